{{/* The configuration, as far as the chart knows it, as YAML. */}}
{{- define "bearerd.config" -}}
{{- if .Values.configFile -}}
{{- $config := fromYaml .Values.configFile -}}
{{- if hasKey $config "Error" -}}
{{- fail (printf "\n\nconfigFile is no YAML: %s\n" (toString $config.Error)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- else -}}
{{- $config := deepCopy .Values.config -}}
{{- include "bearerd.words" $config -}}
{{- $isSidecar := eq .Values.shape "sidecar" -}}
{{- $admin := default dict $config.admin -}}
{{- if not $config.listen -}}
{{- $_ := set $config "listen" (ternary "127.0.0.1:8080" ":8080" $isSidecar) -}}
{{- end -}}
{{- if not $admin.listen -}}
{{- $_ := set $admin "listen" (ternary "127.0.0.1:9090" ":9090" (and $isSidecar (not .Values.podMonitor.enabled))) -}}
{{- end -}}
{{- if and .Values.metrics.auth.existingSecret (not $admin.callers) -}}
{{- $key := dict "file" (printf "/run/secrets/bearerd-metrics/%s" .Values.metrics.auth.key) -}}
{{- $_ := set $admin "callers" (list (dict "name" "prometheus" "api_key" $key)) -}}
{{- end -}}
{{- $_ := set $config "admin" $admin -}}
{{- if not $isSidecar -}}
{{- $shutdown := default dict $config.shutdown -}}
{{- $_ := set $config "shutdown" (merge (deepCopy $shutdown) (dict "delay" "5s" "grace" "30s")) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
{{- end -}}

{{/* Helm reads on and off as booleans (YAML 1.1), where bearerd reads words (YAML 1.2). Changes what it is given. */}}
{{- define "bearerd.words" -}}
{{- range $key, $value := . -}}
{{- if and (kindIs "bool" $value) (has $key (list "access_log" "mode" "proxy" "replay" "traceparent" "via")) -}}
{{- $_ := set $ $key (ternary "on" "off" $value) -}}
{{- else if and (kindIs "map" $value) (not (has $key (list "claims" "headers" "params" "query" "variables"))) -}}
{{- include "bearerd.words" $value -}}
{{- else if kindIs "slice" $value -}}
{{- range $value -}}
{{- if kindIs "map" . -}}
{{- include "bearerd.words" . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The address under a key `listen`, which may be a group. */}}
{{- define "bearerd.address" -}}
{{- if kindIs "map" . -}}{{- .address -}}{{- else -}}{{- . -}}{{- end -}}
{{- end -}}

{{- define "bearerd.port" -}}
{{- regexFind "[0-9]+$" (include "bearerd.address" .) -}}
{{- end -}}

{{/* The addresses that the gateway listens on, by the names of their ports. */}}
{{- define "bearerd.listeners" -}}
{{- $config := fromYaml (include "bearerd.config" .) -}}
bearerd: {{ default "127.0.0.1:8080" $config.listen | toJson }}
bearerd-admin: {{ default "127.0.0.1:9090" (default dict $config.admin).listen | toJson }}
{{- with (default dict $config.token_service).listen }}
bearerd-tokens: {{ toJson . }}
{{- end }}
{{- end -}}

{{/* The ports of those that others than this pod reach, by their names. */}}
{{- define "bearerd.ports" -}}
{{- range $name, $address := fromYaml (include "bearerd.listeners" .) -}}
{{- if ne (include "bearerd.isLoopback" $address) "true" }}
{{ $name }}: {{ include "bearerd.port" $address }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" where only this pod can connect. */}}
{{- define "bearerd.isLoopback" -}}
{{- regexMatch "^(unix:|localhost:|127\\.[0-9.]+:|\\[::1\\]:)" (include "bearerd.address" .) -}}
{{- end -}}

{{/* Seconds of a duration, rounded up; empty where it cannot be told. */}}
{{- define "bearerd.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- if regexMatch "^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$" . -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mulf (float64 (trimSuffix $unit .)) (get $units $unit) | ceil | int -}}
{{- end -}}
{{- end -}}

{{/* How long a stop takes at most: the delay, the grace, 10 s for a token request under way, 5 s to hand tokens back, and some air. */}}
{{- define "bearerd.stopSeconds" -}}
{{- $shutdown := default dict . -}}
{{- $delay := include "bearerd.seconds" (toString (default "0s" $shutdown.delay)) -}}
{{- $grace := include "bearerd.seconds" (toString (default "30s" $shutdown.grace)) -}}
{{- if and $delay $grace -}}
{{- add (int $delay) (int $grace) 20 -}}
{{- end -}}
{{- end -}}

{{/* Changes of these keys take a restart (docs/configuration.md). */}}
{{- define "bearerd.restartChecksum" -}}
{{- $config := fromYaml (include "bearerd.config" .) -}}
{{- $admin := default dict $config.admin -}}
{{- $tokens := default dict $config.token_service -}}
{{- list $tokens.listen $tokens.tls $config.listen $config.tls $config.token_store $config.workers $admin.listen $admin.tls $admin.callers | toJson | sha256sum -}}
{{- end -}}

{{- define "bearerd.checksumAnnotation" -}}
{{- if not .Values.existingConfigMap -}}
{{- if .Values.rollOnConfigChange -}}
bearerd/config: {{ default (include "bearerd.config" .) .Values.configFile | sha256sum }}
{{- else -}}
bearerd/config-for-restart: {{ include "bearerd.restartChecksum" . }}
{{- end -}}
{{- end -}}
{{- end -}}
