import type { Api } from './api.ts'
import type { Broker } from './broker.ts'
import { patiently } from './patiently.ts'

const WITHIN_MS = 120_000

/** Uploads an image of format qcow2, and waits until it is active; its id. */
export const uploadImage = async (
  { url }: Pick<Broker, 'url'>,
  person: Pick<Api, 'must' | 'token'>,
  image: { name: string } & Record<string, string>,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> => {
  const spec = { disk_format: 'qcow2', container_format: 'bare', ...image }
  const { id } = await person.must('POST', '/image/v2/images', spec)
  const headers = { 'X-Auth-Token': person.token, 'Content-Type': 'application/octet-stream' }
  const { status } = await fetch(`${url}/image/v2/images/${id}/file`, { method: 'PUT', headers, body })
  if (status !== 204) throw new Error(`the data of image ${image.name} are answered with ${status}`)
  await patiently(async () => {
    const seen = await person.must('GET', `/image/v2/images/${id}`)
    if (seen.status !== 'active') throw new Error(`image ${image.name} is ${seen.status}`)
  }, WITHIN_MS)
  return id
}
