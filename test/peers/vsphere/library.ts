import { inventoryOf } from '../../../adapters/vsphere/inventory.ts'
import type { vsphereCloud } from './cloud.ts'

type World = Awaited<ReturnType<typeof vsphereCloud>>

/** An operator who fills a content library by vCenter's own API. */
export const contentLibrary = async (url: string, { username = '', password = '' }: Record<string, string>) => {
  const basic = { authorization: `Basic ${btoa(`${username}:${password}`)}` }
  let session = ''
  const ask = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> => {
    const answer = await fetch(`${url}/rest/com/vmware/${path}`, {
      method,
      headers: { 'vmware-api-session-id': session, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    const text = await answer.text()
    return (text ? (JSON.parse(text) as { value: T }).value : null) as T
  }
  session = await ask('POST', 'cis/session', undefined, basic)
  const libraries = new WeakMap<object, Promise<string>>()
  const libraryIn = (world: World): Promise<string> => {
    const make = async () => {
      const [datastore] = (await inventoryOf(world.context)).datastores
      return ask<string>('POST', 'content/local-library', {
        create_spec: {
          name: 'packages',
          type: 'LOCAL',
          storage_backings: [{ type: 'DATASTORE', datastore_id: datastore!.ref.id }],
        },
      })
    }
    const known = libraries.get(world) ?? make()
    libraries.set(world, known)
    return known
  }
  const item = async (world: World, name: string, type: string): Promise<string> =>
    ask('POST', 'content/library/item', {
      create_spec: { name, type, library_id: await libraryIn(world), description: `${name} of the tests` },
    })
  return {
    /** Uploads the files of a package; the item's id. */
    async add(world: World, name: string, files: Record<string, Uint8Array>): Promise<string> {
      const id = await item(world, name, 'ovf')
      const update = await ask<string>('POST', 'content/library/item/update-session', {
        create_spec: { library_item_id: id },
      })
      for (const [file, data] of Object.entries(files)) {
        const { upload_endpoint: endpoint } = await ask<{ upload_endpoint: { uri: string } }>(
          'POST',
          `content/library/item/updatesession/file/id:${update}?~action=add`,
          { file_spec: { name: file, source_type: 'PUSH', size: data.length } },
        )
        const answer = await fetch(endpoint.uri, {
          method: 'PUT',
          headers: { 'vmware-api-session-id': session },
          body: data as Uint8Array<ArrayBuffer>,
        })
        if (!answer.ok) throw new Error(`${file}: ${answer.status}`)
      }
      await ask('POST', `content/library/item/update-session/id:${update}?~action=complete`)
      return id
    },
    addIso: (world: World, name: string): Promise<string> => item(world, name, 'iso'),
  }
}
