import type { z } from 'zod'
import type { Known } from './config.ts'
import type { Report } from './report.ts'
import type { gatewaySchema } from './schema/gateway.ts'

/** Checks what concerns more than one key at the top level. */
export function checkGateway(
  { listen, admin }: Known<z.output<ReturnType<typeof gatewaySchema>>>,
  isOpenUnsaid: boolean,
  report: Report,
): void {
  if (listen === undefined) return
  if (!listen.isLoopback && isOpenUnsaid) {
    report(
      ['listen'],
      'every machine that reaches this address could use the tokens; list who may call under "callers", say callers: anyone, or listen on 127.0.0.1',
    )
  }
  if (admin !== undefined && listen.port !== 0 && listen.port === admin.listen.port && overlap(listen.host, admin.listen.host)) {
    report(['admin', 'listen'], 'the admin interface cannot share the address of the gateway; choose another port, such as 9090')
  }
}

const everyAddress: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

/** Whether two hosts have an address in common. */
function overlap(one: string, other: string): boolean {
  if (everyAddress.has(one) || everyAddress.has(other)) return true
  return addressesOf(one).some((address) => addressesOf(other).includes(address))
}

function addressesOf(host: string): readonly string[] {
  return host.toLowerCase() === 'localhost' ? ['127.0.0.1', '::1'] : [host.toLowerCase()]
}
