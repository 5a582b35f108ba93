{{/* Says what values cannot work together, before anything is made of them. */}}
{{- define "bearerd.check" -}}
{{- $values := .Values -}}
{{- if and $values.configFile $values.existingConfigMap -}}
{{- fail "\n\nconfigFile and existingConfigMap are both given: choose one.\n" -}}
{{- end -}}
{{- if and $values.configFile $values.config -}}
{{- fail "\n\nconfig and configFile are both given: choose one.\n" -}}
{{- end -}}
{{- $config := fromYaml (include "bearerd.config" .) -}}
{{- $admin := default dict $config.admin -}}
{{- $listen := default "127.0.0.1:8080" $config.listen -}}
{{- $adminListen := default "127.0.0.1:9090" $admin.listen -}}
{{- $isGateway := eq $values.shape "gateway" -}}
{{- if $values.existingConfigMap -}}
{{- range list "callers" "credentials" "routes" -}}
{{- if hasKey $config . -}}
{{- fail (printf "\n\nconfig.%s has no effect: existingConfigMap has the configuration. Remove one of them.\n" .) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- include "bearerd.checkSecrets" (dict "group" $config "in" "" "at" (ternary "configFile: " "config." (ne $values.configFile ""))) -}}
{{- if not (or $config.routes $config.token_service) -}}
{{- fail "\n\nconfig.routes is missing: say which path goes to which provider, or give configFile or existingConfigMap. For example:\n\nconfig:\n  callers: [{name: orders, api_key: {file: /run/secrets/bearerd/orders-key}}]\n  credentials:\n    gett: {provider: gett, client_id: {file: /run/secrets/bearerd/gett-client-id}, client_secret: {file: /run/secrets/bearerd/gett-client-secret}}\n  routes: [{path: /gett, credential: gett}]\nexistingSecret: NAME\n" -}}
{{- end -}}
{{- if and (ne (include "bearerd.isLoopback" $listen) "true") (not $config.callers) -}}
{{- fail "\n\nconfig.callers is missing: whoever reaches it could use the tokens. List who may call (docs/callers.md), for example [{name: orders, api_key: {file: /run/secrets/bearerd/orders-key}}]; or say `callers: anyone` and rely on networkPolicy alone.\n" -}}
{{- end -}}
{{- with $config.token_service -}}
{{- if and .listen (ne (include "bearerd.isLoopback" .listen) "true") -}}
{{- if not .callers -}}
{{- fail "\n\nconfig.token_service.callers is missing: whoever reaches it could have the tokens. List who may, for example [{name: nginx, api_key: {file: /run/secrets/bearerd/nginx-key}}].\n" -}}
{{- end -}}
{{- if not (or .tls .insecure_http) -}}
{{- fail "\n\nconfig.token_service.tls is missing: the tokens would cross the network in clear text. Say its certificate, or insecure_http: true.\n" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $isGateway -}}
{{- if eq (include "bearerd.isLoopback" $listen) "true" -}}
{{- fail (printf "\n\nlisten is %s, which the Service cannot reach: write `listen: \":8080\"` (with config: leave it out), or use shape: sidecar.\n" (include "bearerd.address" $listen)) -}}
{{- end -}}
{{- if eq (include "bearerd.isLoopback" $adminListen) "true" -}}
{{- fail (printf "\n\nadmin.listen is %s, which probes and Prometheus cannot reach: write `admin: {listen: \":9090\"}` (with config: leave it out). metrics.auth has it want a key.\n" (include "bearerd.address" $adminListen)) -}}
{{- end -}}
{{- end -}}
{{- $tokens := default dict $config.token_service -}}
{{- range $key, $address := dict "listen" $listen "admin.listen" $adminListen "token_service.listen" (default ":0" $tokens.listen) -}}
{{- if not (or (hasPrefix "unix:" (include "bearerd.address" $address)) (include "bearerd.port" $address)) -}}
{{- fail (printf "\n\n%s is %s: write its port as a number, so that the pod can name it.\n" $key (include "bearerd.address" $address)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.secretEnv (not $values.existingSecret) -}}
{{- fail "\n\nsecretEnv has no effect without existingSecret, the Secret that its keys are in.\n" -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled $values.podMonitor.enabled -}}
{{- fail "\n\nserviceMonitor and podMonitor are both enabled: everything would be counted twice. Choose one.\n" -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled (not $isGateway) -}}
{{- fail "\n\nserviceMonitor needs a Service, which a sidecar does not have: use podMonitor.\n" -}}
{{- end -}}
{{- if and $values.podMonitor.enabled (eq (include "bearerd.isLoopback" $adminListen) "true") -}}
{{- fail (printf "\n\npodMonitor is enabled, but Prometheus cannot reach admin.listen %s: write `admin: {listen: \":9090\"}` (with config: leave it out).\n" (include "bearerd.address" $adminListen)) -}}
{{- end -}}
{{- $store := default "memory" $config.token_store -}}
{{- if and $isGateway $values.networkPolicy.enabled (kindIs "map" $store) (hasKey $store "redis") (not $values.networkPolicy.redis.to) -}}
{{- fail "\n\nnetworkPolicy.redis.to is missing: the NetworkPolicy would cut the gateway off from the Redis of token_store. Say where it is, for example [{podSelector: {matchLabels: {app: redis}}}] or [{ipBlock: {cidr: 10.0.3.7/32}}].\n" -}}
{{- end -}}
{{- if $isGateway -}}
{{- $needed := include "bearerd.stopSeconds" $config.shutdown -}}
{{- $given := $values.terminationGracePeriodSeconds -}}
{{- if and (not $needed) (kindIs "invalid" $given) -}}
{{- fail "\n\nterminationGracePeriodSeconds is missing: shutdown.delay and shutdown.grace are no plain durations, so the chart cannot tell it. It must be 20 seconds more than both.\n" -}}
{{- end -}}
{{- if and $needed (not (kindIs "invalid" $given)) -}}
{{- if lt (int $given) (int $needed) -}}
{{- fail (printf "\n\nterminationGracePeriodSeconds is %d, but a stop can take %s: shutdown.delay, shutdown.grace and 20 seconds. Raise it, leave it out, or lower those.\n" (int $given) $needed) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A ConfigMap is no place for a secret, and the values of a release are kept. A brace is a variable, or a placeholder of a template. Takes a group of
the configuration, its key, and where it is. What `token_response` names are places in an answer.
*/}}
{{- define "bearerd.checkSecrets" -}}
{{- $at := .at -}}
{{- $in := .in -}}
{{- range $key, $value := .group -}}
{{- if kindIs "string" $value -}}
{{- $isNamed := or (regexMatch "(?i)(secret|password|passphrase|api[-_]?key|encryption_key|refresh_token)(_next|_previous)?$" $key) (and (eq $key "key") (eq $in "assertion")) -}}
{{- $isLiteral := and $isNamed $value (not (regexMatch "\\{[A-Za-z0-9_.-]+\\}" $value)) -}}
{{- $isShown := or (contains "PRIVATE KEY-----" $value) (regexMatch "^[a-z]+://[^/@]*:[^/@$]+@" $value) (regexMatch "(?i)^(basic|bearer) +[^{ ]+$" $value) -}}
{{- if or $isLiteral $isShown -}}
{{- fail (printf "\n\n%s%s would stand in a ConfigMap for all to read: put it into the Secret of existingSecret, and write {file: /run/secrets/bearerd/KEY} here, or a variable of secretEnv.\n" $at $key) -}}
{{- end -}}
{{- else if kindIs "map" $value -}}
{{- if ne $key "token_response" -}}
{{- include "bearerd.checkSecrets" (dict "group" $value "in" $key "at" (printf "%s%s." $at $key)) -}}
{{- end -}}
{{- else if kindIs "slice" $value -}}
{{- range $index, $item := $value -}}
{{- if kindIs "map" $item -}}
{{- include "bearerd.checkSecrets" (dict "group" $item "in" $key "at" (printf "%s%s[%d]." $at $key $index)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
