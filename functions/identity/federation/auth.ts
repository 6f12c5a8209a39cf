import { unauthorized } from '../../auth/policy.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import type { Service } from '../../http/service.ts'
import { answerWith } from '../token-answer.ts'
import { enterBy, wayOf } from './enter.ts'
import { claimsOf } from './provider.ts'

const PATH = '/v3/OS-FEDERATION/identity_providers/:idp/protocols/:protocol/auth'

const bearerOf = ({ request }: Input): string => {
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(request.headers.get('Authorization') ?? '') ?? []
  if (!token) throw unauthorized()
  return token
}

/** Logins by what a provider gave: https://docs.openstack.org/api-ref/identity/v3-ext/#request-an-unscoped-os-federation-token */
export const federatedAuthOperations = (services: () => Service[]): Operation[] =>
  (['POST', 'GET'] as const).map((method) =>
    operation({
      name: `federated_token.${method === 'POST' ? 'create' : 'get'}`,
      method,
      path: PATH,
      who: 'public',
      summary:
        'An unscoped token for the access token of an identity provider (`Authorization: Bearer`), which it signed or is asked about.',
      status: 201,
      handle: async (input) => {
        const { context, params } = input
        const token = bearerOf(input)
        const way = await wayOf(context, params.idp!, params.protocol!)
        const said = await claimsOf(context, way.provider, token)
        const proven = await enterBy(context, way, said)
        return 'answer' in proven ? proven.answer : answerWith(services(), input, proven)
      },
    }),
  )
