import {
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  type KeyPairInfo,
} from '@aws-sdk/client-ec2'
import type { KeypairSpec, Mark, Realm, Seen } from '../contract.ts'
import { CloudError } from '../errors.ts'
import { type Context, markOf, reader, unlessGone } from './context.ts'
import { tagged, tagsFor } from './marks.ts'

/**
 * The name on the cloud carries our token, not only the user's name: two projects of one account may hold the same
 * key under the same name, and removing one must not take the other's. EC2 takes 255 ASCII characters.
 */
const keyName = (spec: KeypairSpec, mark: Mark): string =>
  `${spec.name.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, 180)} ${mark.token}`

/**
 * Public keys, RSA or ED25519. The native id is the key's name, because RunInstances takes no other.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html
 * DescribeKeyPairs is not paged.
 */
export const keypair = (context: Context): Realm<KeypairSpec> => {
  const { ec2, options } = context
  const keys = reader<KeyPairInfo, Seen>(context, {
    idFilter: 'key-name',
    tags: (key) => key.Tags,
    describe: (Filters) => async () => ({
      items: (await ec2.send(new DescribeKeyPairsCommand({ Filters }))).KeyPairs ?? [],
    }),
    seen: (found) =>
      found.map((key) => ({
        id: key.KeyName ?? '',
        mark: markOf(context, key.Tags),
        name: key.KeyName,
        health: 'ready',
      })),
  })
  return {
    once: 'unique',
    settleMs: options.settleMs,
    find: keys.find,
    get: keys.get,
    list: keys.list,
    async create(spec, mark) {
      const KeyName = keyName(spec, mark)
      try {
        await ec2.send(
          new ImportKeyPairCommand({
            KeyName,
            PublicKeyMaterial: new TextEncoder().encode(spec.publicKey),
            TagSpecifications: tagged(tagsFor(mark, spec.name), 'key-pair'),
          }),
        )
      } catch (error) {
        if (!(error instanceof CloudError && error.detail.cloudCode === 'InvalidKeyPair.Duplicate')) throw error
        const mine = await keys.find(mark)
        if (!mine) throw error
        return mine
      }
      return { id: KeyName, mark, name: KeyName, health: 'ready' }
    },
    async remove(id, mark) {
      if (await keys.ours(id, mark)) await unlessGone(() => ec2.send(new DeleteKeyPairCommand({ KeyName: id })))
    },
  }
}
