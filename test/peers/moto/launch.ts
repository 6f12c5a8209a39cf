import { fileURLToPath } from 'node:url'
import { answering, freePort, launch as start } from '../support/child.ts'
import { pythonWith } from '../support/python.ts'

const SERVER = fileURLToPath(new URL('server.py', import.meta.url))

export interface Moto {
  url: string
  /** Forgets every object. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/** Starts moto on a free loopback port, with the validations on that it leaves off by default. */
export const launch = async (): Promise<Moto> => {
  const { command, env } = await pythonWith('moto', ['moto[server,ec2,sts]==5.2.5'])
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = start({
    command,
    args: [SERVER, '-H', '127.0.0.1', '-p', String(port)],
    env: {
      ...env,
      MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: '1',
      MOTO_ENABLE_AMI_VALIDATION: '1',
      MOTO_ENABLE_KEYPAIR_VALIDATION: '1',
    },
  })
  try {
    await answering(child, `${url}/moto-api/data.json`)
  } catch (error) {
    await child.stop()
    throw error
  }
  return {
    url,
    async reset() {
      await fetch(`${url}/moto-api/reset`, { method: 'POST' })
    },
    async stop() {
      await child.stop()
    },
  }
}
