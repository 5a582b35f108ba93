{{/* The container, in both shapes, but for its name and its probes. */}}
{{- define "bearerd.containerParts" -}}
image: {{ include "bearerd.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
env:
  - name: BEARERD_CONFIG
    value: {{ printf "/etc/bearerd/%s" (include "bearerd.configKey" .) | quote }}
  {{- range $variable, $key := .Values.secretEnv }}
  - name: {{ $variable }}
    valueFrom:
      # Optional, so that bearerd starts, and says itself in its log which one is missing.
      secretKeyRef: {name: {{ $.Values.existingSecret | quote }}, key: {{ $key | quote }}, optional: true}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $ports := fromYaml (include "bearerd.ports" .) -}}
{{- if $ports }}
ports:
  {{- range $name, $port := $ports }}
  - {name: {{ $name }}, containerPort: {{ $port }}, protocol: TCP}
  {{- end }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  {{- include "bearerd.volumeMounts" . | nindent 2 }}
{{- end -}}

{{- define "bearerd.configKey" -}}
{{- ternary .Values.existingConfigMapKey "proxy.config.yaml" (ne .Values.existingConfigMap "") -}}
{{- end -}}

{{- define "bearerd.volumeMounts" -}}
# The whole folder: a file mounted by subPath never changes.
- {name: bearerd-config, mountPath: /etc/bearerd, readOnly: true}
{{- if .Values.existingSecret }}
- {name: bearerd-secrets, mountPath: /run/secrets/bearerd, readOnly: true}
{{- end }}
{{- if .Values.metrics.auth.existingSecret }}
- {name: bearerd-metrics, mountPath: /run/secrets/bearerd-metrics, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Who may read a secret: the group of the volumes (fsGroup) where the pod has one of ours. The pod of a sidecar is not ours; there it is mounted by bearerd alone.
*/}}
{{- define "bearerd.secretMode" -}}
{{- ternary "0440" "0444" (and (eq .Values.shape "gateway") (hasKey .Values.podSecurityContext "fsGroup")) -}}
{{- end -}}

{{/* Takes the scope and the name of the ConfigMap. */}}
{{- define "bearerd.volumes" -}}
- name: bearerd-config
  configMap: {name: {{ .configMap | quote }}}
{{- $mode := include "bearerd.secretMode" .scope }}
{{- with .scope.Values }}
{{- if .existingSecret }}
- name: bearerd-secrets
  # Optional, so that bearerd starts, and says itself in its log which file is missing.
  secret: {secretName: {{ .existingSecret | quote }}, defaultMode: {{ $mode }}, optional: true}
{{- end }}
{{- if .metrics.auth.existingSecret }}
- name: bearerd-metrics
  secret: {secretName: {{ .metrics.auth.existingSecret | quote }}, defaultMode: {{ $mode }}, optional: true}
{{- end }}
{{- with .extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* How a probe asks: kubelet itself where it reaches the admin interface, else a process in the container. */}}
{{- define "bearerd.probeHandler" -}}
{{- $config := fromYaml (include "bearerd.config" .scope) -}}
{{- $admin := default dict $config.admin -}}
{{- if eq (include "bearerd.isLoopback" (default "127.0.0.1:9090" $admin.listen)) "true" -}}
exec:
  command: [bearerd, healthcheck{{ if eq .path "/livez" }}, --live{{ end }}]
{{- else -}}
httpGet:
  path: {{ .path }}
  port: bearerd-admin
  scheme: {{ ternary "HTTPS" "HTTP" (hasKey $admin "tls") }}
{{- end -}}
{{- end -}}
