import type { Limits } from '../contract.ts'

/** https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html and subnet-sizing.html */
export const BLOCKS = { widest: 16, narrowest: 28 }

/** https://docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html */
export const NAMESERVERS = 4

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html, before base64. */
export const USER_DATA_BYTES = 16_384

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
export const TAGS = { items: 50, key: 128, value: 256 }

/** Running instances of a spread placement group in one zone. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html */
const SPREAD_A_ZONE = 7

/** What EC2 takes. `metadata`: what is left of the tags beside the name and our mark. */
export const limitsWith = (metadata: { items: number; key: number }): Limits => ({
  subnet: {
    prefixes: { 4: BLOCKS },
    together: BLOCKS.widest,
    gateway: 'first',
    withoutDhcp: false,
    nameservers: NAMESERVERS,
    sameNameservers: true,
  },
  port: { subnets: 1, unfiltered: 'permitted', pairs: { families: [4], macs: 'own' } },
  server: {
    userData: USER_DATA_BYTES,
    ports: 1,
    metadata: { ...metadata, value: TAGS.value },
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html
    keys: ['ssh-rsa', 'ssh-ed25519'],
    apart: SPREAD_A_ZONE,
  },
})
