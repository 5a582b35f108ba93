// undici declares its front door only.
declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent } from 'undici'
  const agent: typeof Agent
  export default agent
}

declare module 'undici/lib/api/index.js' {
  import type { Dispatcher } from 'undici'
  const api: { readonly request: Dispatcher['request'] }
  export default api
}
