import type { Config } from '../config/config.ts'

/**
 * The part of a configuration that one of its workers keeps to: what is configured for all of them together is divided. Connections
 * of callers are not, because the main process counts them all.
 */
export function shareOf(config: Config): Config {
  const { workers, replay_memory, routes } = config
  return {
    ...config,
    replay_memory: Math.floor(replay_memory / workers),
    routes: routes.map((route) => ({ ...route, max_connections: Math.floor(route.max_connections / workers) })),
  }
}
