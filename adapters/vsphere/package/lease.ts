import { CloudError } from '../../errors.ts'
import { refuse, unclear } from '../../shared/refusals.ts'
import { child, childrenOf, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { fromFault } from '../errors.ts'
import { look, text } from '../wire/properties.ts'
import { asRef, type Ref } from '../wire/soap.ts'
import type { UploadedFile } from './upload.ts'

/** What bytes may be sent to under a lease: the lease's name for it, the specification's, and where it listens. */
export interface Device {
  key: string
  importKey: string
  url: string
  disk: boolean
}

const WAIT_MS = 1_000
/** A host is asked for its disks, a busy one takes its time. */
const MOST_WAITS = 240

/** The machine and its devices, as soon as the lease is ready. @throws the fault with which it ended instead */
export const readyDevices = async (
  context: Context,
  lease: Ref,
  alive: () => Promise<void>,
): Promise<{ machine: Ref | undefined; devices: Device[] }> => {
  for (let i = 0; i < MOST_WAITS; i++) {
    const [found] = await look(context.vim, [lease], ['state', 'info', 'error'])
    if (!found) throw unclear('the import', 'its lease is gone')
    const state = text(found, 'state')
    if (state === 'ready') {
      const info = found.props.get('info')
      const devices = childrenOf(info, 'deviceUrl').map((each) => ({
        key: textOf(each, 'key') ?? '',
        importKey: textOf(each, 'importKey') ?? '',
        url: textOf(each, 'url') ?? '',
        disk: textOf(each, 'disk') === 'true',
      }))
      return { machine: asRef(child(info, 'entity')), devices }
    }
    const error = found.props.get('error')
    if (state === 'error' || error)
      throw fromFault(
        { type: child(error, 'fault')?.xsiType ?? '', message: textOf(error, 'localizedMessage') ?? '' },
        'ImportVApp',
        'task',
      )
    await alive()
    await context.surroundings.sleep(WAIT_MS)
  }
  throw unclear('the import', 'its lease does not become ready')
}

/** `*` stands for the host that was asked. What goes over TLS to vCenter goes over TLS to its hosts. */
export const deviceUrl = (given: string, endpoint: string): string => {
  const vcenter = new URL(endpoint)
  const url = new URL(given.replace('://*', `://${vcenter.hostname}`))
  if (vcenter.protocol === 'https:' && url.protocol !== 'https:') refuse('The host takes disks in the clear only.')
  return url.href
}

/** Lets bytes through and tells how many. On Workers a body of known length is a stream of its own kind. */
const counted = (size: number, told: (bytes: number) => Promise<void>) => {
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      controller.enqueue(chunk)
      await told(chunk.byteLength)
    },
  })
  const { FixedLengthStream: Fixed } = globalThis as {
    FixedLengthStream?: new (length: number) => TransformStream<Uint8Array, Uint8Array>
  }
  return (bytes: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
    const through = bytes.pipeThrough(counting)
    return Fixed ? through.pipeThrough(new Fixed(size)) : through
  }
}

/**
 * Sends one file to its device. It cannot be taken up again where it broke off, so the call lasts as long as the file;
 * the lease is kept alive meanwhile by what is told of the progress.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ (HttpNfcLease: disks are posted, files are put)
 */
export const sendFile = async (
  { surroundings, connection }: Context,
  device: Device,
  { offset, size }: UploadedFile,
  data: { blob: string; create: boolean },
  told: (bytes: number) => Promise<void>,
): Promise<void> => {
  const bytes = await surroundings.blobs.read(data.blob, { offset, length: size })
  let status: number
  try {
    const response = await surroundings.fetch(deviceUrl(device.url, connection.endpoint ?? ''), {
      method: data.create ? 'PUT' : 'POST',
      headers: {
        'content-type': data.create ? 'application/octet-stream' : 'application/x-vnd.vmware-streamVmdk',
        'content-length': String(size),
        ...(data.create ? { overwrite: 't' } : {}),
      },
      body: counted(size, told)(bytes),
      redirect: 'manual',
      duplex: 'half',
    } as RequestInit)
    await response.body?.cancel()
    status = response.status
  } catch (error) {
    throw unclear('the upload of a disk', (error as { cause?: unknown }).cause ?? error)
  }
  if (status !== 200 && status !== 201 && status !== 204) throw unclear('the upload of a disk', `HTTP ${status}`)
}

/**
 * Compares what arrived with the manifest of the package, as far as the host reckons sums of that kind.
 * @throws `definitive` where they differ
 */
export const assertArrived = async (
  { vim, surroundings }: Context,
  lease: Ref,
  sent: { device: Device; file: UploadedFile }[],
): Promise<void> => {
  const wanted = sent.filter(({ file }) => file.sum)
  if (wanted.length === 0) return
  const entries = childrenOf(await vim.call(lease, 'HttpNfcLeaseGetManifest'), 'returnval')
  for (const { device, file } of wanted) {
    const entry = entries.find((each) => textOf(each, 'key') === device.key)
    const reckoned: Record<string, string | undefined> = {
      'SHA-1': textOf(entry, 'sha1'),
      [(textOf(entry, 'checksumType') ?? '').toUpperCase().replace(/^SHA-?/, 'SHA-')]: textOf(entry, 'checksum'),
    }
    const arrived = reckoned[file.sum!.algorithm]
    if (!arrived) surroundings.log('debug', 'the host reckons no such sum', { algorithm: file.sum!.algorithm })
    else if (arrived.toLowerCase() !== file.sum!.hex)
      throw new CloudError('definitive', `The OVA is damaged: ${file.name} is not the one of its manifest.`)
  }
}

/** The lease that a call has answered with. */
export const leaseIn = (answer: Parameters<typeof child>[0]): Ref => {
  const lease = asRef(child(answer, 'returnval'))
  if (!lease) throw unclear('ImportVApp', 'the answer names no lease')
  return lease
}
