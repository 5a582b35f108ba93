{{/*
For charts that depend on this one, with shape: sidecar. All take .Subcharts.bearerd (or .Subcharts.ALIAS):

  initContainers:
    {{- include "bearerd.sidecar" .Subcharts.bearerd | nindent 8 }}
  volumes:
    {{- include "bearerd.sidecarVolumes" .Subcharts.bearerd | nindent 8 }}

and, in the metadata of the pod, labels by which the PodMonitor finds it, and annotations that roll it when a restart is needed:

  {{- include "bearerd.sidecarLabels" .Subcharts.bearerd | nindent 8 }}
  {{- include "bearerd.sidecarAnnotations" .Subcharts.bearerd | nindent 8 }}
*/}}

{{/* A native sidecar: it is ready before the containers of the pod start, and ends after them, so that Jobs end. */}}
{{- define "bearerd.sidecar" -}}
{{- if ne .Values.shape "sidecar" -}}
{{- fail (printf "\n\nbearerd.sidecar needs `shape: sidecar` in the values of the chart %s.\n" .Chart.Name) -}}
{{- end -}}
- name: bearerd
  restartPolicy: Always
  {{- include "bearerd.containerParts" . | nindent 2 }}
  startupProbe:
    {{- include "bearerd.probeHandler" (dict "scope" . "path" "/readyz") | nindent 4 }}
    {{- toYaml .Values.probes.startup | nindent 4 }}
  livenessProbe:
    {{- include "bearerd.probeHandler" (dict "scope" . "path" "/livez") | nindent 4 }}
    {{- toYaml .Values.probes.liveness | nindent 4 }}
{{- end -}}

{{- define "bearerd.sidecarVolumes" -}}
{{- include "bearerd.volumes" (dict "scope" . "configMap" (include "bearerd.configMapName" .)) -}}
{{- end -}}

{{- define "bearerd.sidecarLabels" -}}
bearerd-sidecar: {{ include "bearerd.fullname" . }}
{{- end -}}

{{- define "bearerd.sidecarAnnotations" -}}
{{- include "bearerd.checksumAnnotation" . -}}
{{- end -}}
