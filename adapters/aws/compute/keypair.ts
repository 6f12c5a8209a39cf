import {
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  type KeyPairInfo,
} from '@aws-sdk/client-ec2'
import { type KeypairSpec, type Mark, type Realm, reading, type Seen } from '../../contract.ts'
import { markedRealm } from '../../shared/realm.ts'
import { orEarlier, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { markOf, type Reader, reader } from '../records/reader.ts'

/**
 * The name on the cloud carries our token, not only the user's name: two projects of one account may hold the same
 * key under the same name, and removing one must not take the other's. EC2 takes 255 ASCII characters.
 */
const keyName = (spec: KeypairSpec, mark: Mark): string =>
  `${spec.name.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, 180)} ${mark.token}`

/** The name without a token at its end, whose ever it is. */
const plainName = (name: string): string => name.replace(/ [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '')

const keypairs = (context: Context): Reader<KeyPairInfo, Seen> =>
  reader<KeyPairInfo, Seen>(context, {
    idFilter: 'key-name',
    idOf: (key) => key.KeyName,
    tags: (key) => key.Tags,
    tagged: (key) => key.KeyPairId,
    describe: (Filters) => async () => ({
      items: (await context.ec2.send(new DescribeKeyPairsCommand({ Filters }))).KeyPairs ?? [],
    }),
    seen: (found) =>
      found.map((key) => ({
        id: key.KeyName ?? '',
        mark: markOf(context, key.Tags),
        name: key.KeyName,
        health: 'ready',
      })),
  })

/**
 * Public keys, RSA or ED25519. The native id is the key's name, because RunInstances takes no other; tags go to its id.
 * The tag `Name` is what its user calls it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html
 * DescribeKeyPairs is not paged.
 */
export const keypair = (context: Context): Realm<KeypairSpec> => {
  const { ec2, options, connection } = context
  const keys = keypairs(context)
  const realm = markedRealm<KeypairSpec, Seen, KeyPairInfo>(connection, keys, {
    once: 'unique',
    settleMs: options.settleMs,
    create(spec, mark) {
      const KeyName = keyName(spec, mark)
      const make = async (): Promise<Seen> => {
        await ec2.send(
          new ImportKeyPairCommand({
            KeyName,
            PublicKeyMaterial: new TextEncoder().encode(spec.publicKey),
            TagSpecifications: tagged(tagsFor(mark, spec.label), 'key-pair'),
          }),
        )
        return { id: KeyName, mark, name: KeyName, health: 'ready' }
      }
      return orEarlier('InvalidKeyPair.Duplicate', make, () => keys.find(mark))
    },
    async remove({ KeyName }) {
      await ec2.send(new DeleteKeyPairCommand({ KeyName }))
    },
  })
  return {
    ...realm,
    async read(id) {
      const Filters = [{ Name: 'key-name', Values: [id] }]
      const { KeyPairs } = await ec2.send(new DescribeKeyPairsCommand({ Filters, IncludePublicKey: true }))
      const [key] = KeyPairs ?? []
      if (!key) return null
      const publicKey = key.PublicKey?.trim() || refuse('The cloud does not tell the public key of this keypair.')
      return reading({ name: plainName(id), label: tagValue(key.Tags, 'Name') ?? '', publicKey })
    },
  }
}
