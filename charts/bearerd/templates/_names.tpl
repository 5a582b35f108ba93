{{/* Names and labels. Every template takes the scope of the chart: . within it, .Subcharts.bearerd in a chart that depends on it. */}}

{{- define "bearerd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "bearerd.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "bearerd.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bearerd.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bearerd.labels" -}}
{{- $labels := fromYaml (include "bearerd.selectorLabels" .) -}}
{{- $_ := unset $labels "app.kubernetes.io/component" -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- toYaml (merge $labels (omit .Values.commonLabels "app.kubernetes.io/component")) -}}
{{- end -}}

{{/* What tells the pods of the gateway from all others; it cannot change over upgrades. */}}
{{- define "bearerd.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bearerd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "bearerd.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "bearerd.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "bearerd.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "bearerd.configMapName" -}}
{{- default (include "bearerd.fullname" .) .Values.existingConfigMap -}}
{{- end -}}
