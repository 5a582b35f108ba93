{{/* How one endpoint of a monitor is scraped; takes the scope and the group of values of the monitor. */}}
{{- define "bearerd.scrape" -}}
{{- $config := fromYaml (include "bearerd.config" .scope) -}}
path: /metrics
scheme: {{ ternary "https" "http" (hasKey (default dict $config.admin) "tls") }}
{{- with .scope.Values.metrics.auth }}
{{- if .existingSecret }}
authorization:
  type: Bearer
  credentials: {name: {{ .existingSecret | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- with .monitor }}
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
