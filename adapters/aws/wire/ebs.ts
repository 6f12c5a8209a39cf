import { createHash } from 'node:crypto'
import type { Tag } from '@aws-sdk/client-ec2'
import type { Surroundings } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Exchange } from '../../shared/fetch.ts'
import { translate } from '../errors.ts'
import { type Call, callSigned, type Keys } from './sign.ts'

/**
 * The three calls of EBS's direct API that write a snapshot, block by block.
 * https://docs.aws.amazon.com/ebs/latest/APIReference/
 */
export interface Ebs {
  /** Begins a snapshot, or gives back the one that this token began. @returns its id */
  startSnapshot(asked: NewSnapshot): Promise<string>
  /** Writes one block of `BLOCK` bytes; the same block again is the same. */
  putBlock(snapshot: string, index: number, block: Uint8Array): Promise<void>
  /** Says that all blocks that are not zeros are written. */
  completeSnapshot(snapshot: string, blocks: number): Promise<void>
}

interface NewSnapshot {
  sizeGiB: number
  description: string
  tags: Tag[]
  token: string
  encrypted: boolean
}

/** Bytes of a block: the API has this size only. */
export const BLOCK = 524_288
/** Minutes without a block after which EBS gives a snapshot up. */
const TIMEOUT = 60

/** The public endpoint of a region. https://docs.aws.amazon.com/general/latest/gr/ebs-service.html */
export const ebsEndpoint = (region: string): string =>
  `https://ebs.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`

/**
 * The direct API of EBS in one region.
 * @param keys asked anew for every call
 * @throws by the table of errors.ts; `ambiguous` where no answer came
 */
export const connectEbs = (
  where: { endpoint: string; region: string },
  keys: () => Promise<Keys>,
  surroundings: Surroundings,
): Ebs => {
  const call = async (asked: Call): Promise<Exchange> => {
    const answer = await callSigned({ name: 'ebs', ...where }, keys, surroundings, asked)
    if (answer.status < 300) return answer
    const told = jsonIn(answer)
    const code = answer.headers['x-amzn-errortype'] ?? told.__type ?? told.code
    throw translate(code?.replace(/^.*#|:.*$/gs, ''), answer.status, {
      action: asked.action,
      message: told.Message ?? told.message,
      requestId: answer.headers['x-amzn-requestid'],
    })
  }
  return {
    async startSnapshot({ sizeGiB, description, tags, token, encrypted }) {
      const answer = await call({
        action: 'StartSnapshot',
        method: 'POST',
        path: '/snapshots',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          VolumeSize: sizeGiB,
          Description: description.slice(0, 255),
          Tags: tags,
          ClientToken: token,
          Timeout: TIMEOUT,
          ...(encrypted ? { Encrypted: true } : {}),
        }),
      })
      const { SnapshotId } = jsonIn(answer)
      if (SnapshotId) return SnapshotId
      throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
        operatorMessage: 'StartSnapshot: the answer has no SnapshotId',
      })
    },
    async putBlock(snapshot, index, block) {
      await call({
        action: 'PutSnapshotBlock',
        method: 'PUT',
        path: `/snapshots/${snapshot}/blocks/${index}`,
        headers: {
          'content-type': 'application/octet-stream',
          // The checksum is what protects the block; the signature need not hash it once more.
          'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
          'x-amz-data-length': String(block.length),
          'x-amz-checksum': createHash('sha256').update(block).digest('base64'),
          'x-amz-checksum-algorithm': 'SHA256',
        },
        body: block,
      })
    },
    async completeSnapshot(snapshot, blocks) {
      await call({
        action: 'CompleteSnapshot',
        method: 'POST',
        path: `/snapshots/completion/${snapshot}`,
        headers: { 'x-amz-changedblockscount': String(blocks) },
        body: '',
      })
    },
  }
}

const jsonIn = ({ body }: Exchange): Record<string, string | undefined> => {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as Record<string, string>
  } catch {
    return {}
  }
}
