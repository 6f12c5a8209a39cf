import type { R2Bucket } from '@cloudflare/workers-types'
import type { BlobStore } from '../../functions/context.ts'
import { runtime } from './runtime.ts'

/** An empty store of the kind that this runtime has: a folder of files on Node, an R2 bucket in workerd. */
export const freshBlobs = async (): Promise<{ store: BlobStore; close(): Promise<void> }> => {
  if (runtime === 'node') {
    const { mkdtemp, rm } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const { join } = await import('node:path')
    const { FolderBlobs } = await import('../../functions/blobs/folder.ts')
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-blobs-'))
    // Made with the first blob.
    const store = new FolderBlobs(join(folder, 'images'))
    return { store, close: () => rm(folder, { recursive: true, force: true }) }
  }
  const { env } = await import('cloudflare:workers')
  const { BucketBlobs } = await import('../../functions/blobs/bucket.ts')
  const bucket = env.IMAGES as R2Bucket
  const close = async () => {
    const { objects } = await bucket.list()
    if (objects.length) await bucket.delete(objects.map(({ key }) => key))
  }
  await close()
  return { store: new BucketBlobs(bucket), close }
}
