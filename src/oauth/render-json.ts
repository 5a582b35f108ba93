import type { JsonTemplate } from '../config/schema/values.ts'
import { Template } from '../config/template.ts'

/** Fills in the templates of a JSON value, however deep. */
export function renderJson(value: JsonTemplate, render: (template: Template) => string): unknown {
  if (value instanceof Template) return render(value)
  if (Array.isArray(value)) return value.map((item: JsonTemplate) => renderJson(item, render))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renderJson(inner, render)]))
  }
  return value
}
