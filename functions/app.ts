import { Hono } from 'hono'
import { everyProject } from '../db/scope.ts'
import { Verifier } from './auth/caller.ts'
import { authorize } from './auth/policy.ts'
import type { Caller, Context, Host } from './context.ts'
import { deriveKeys } from './crypto/keys.ts'
import { type Door, mount, refuser } from './http/mount.ts'
import type { Operation } from './http/operation.ts'
import { serveOnce } from './repeat.ts'
import { services } from './services.ts'

/** The route table as a value: what the tests sweep over and the reference is printed from. */
export const operations = services.flatMap((service) => service.operations.map((operation) => ({ service, operation })))

/** The whole API over one host. */
export const createApp = (host: Host): Hono => {
  const app = new Hono()
  const verifier = new Verifier(deriveKeys(host.settings.secretKeys, 'token'))

  const door: Door = {
    log: host.log,
    once: serveOnce,
    newId: host.newId,
    // The URL of a request is absolute and normal: its origin ends at the first slash after the scheme.
    origin: ({ url }) => host.settings.publicUrl ?? url.slice(0, url.indexOf('/', 'https://'.length)),
    enter: async (request, operation, requestId): Promise<Context> => {
      const caller = operation.who === 'public' ? null : await callerOf(request, operation)
      authorize(caller, operation)
      return {
        ...host,
        requestId,
        caller,
        scope: caller && !caller.isAdmin ? { projectId: caller.projectId } : everyProject,
      }
    },
  }
  const callerOf = async (request: Request, operation: Operation): Promise<Caller | null> => {
    const text = request.headers.get('X-Auth-Token')
    // A token that revokes or inspects tokens is looked at afresh: its answer is about revocation.
    return text ? verifier.verify(host, text, operation.name.startsWith('token.')) : null
  }

  app.get('/healthz', async (c) => {
    await host.d1.prepare('select 1').first()
    return c.json({ status: 'ok', deployment: host.deployment.id, runtime: host.settings.runtime })
  })
  for (const service of services) mount(app, service, door)
  const refuse = refuser(services, door)
  app.notFound(
    (c) =>
      refuse(c.req.raw) ??
      c.json({ error: { code: 404, title: 'Not Found', message: `There is no service at ${c.req.path}.` } }, 404),
  )
  return app
}
