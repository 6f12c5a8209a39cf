import type { Teller } from '../story.ts'

const NAMESPACE = JSON.stringify({
  namespace: 'OS::Horizon::Peers',
  display_name: 'Peers',
  description: 'What is asked of images',
  visibility: 'public',
  properties: { peers_key: { title: 'Key', type: 'string', description: 'one' } },
})

/** Definitions of metadata. */
export const defineMetadata = async ({ fill, press, look }: Teller): Promise<void> => {
  await fill('import a namespace of metadata', '/admin/metadata_defs/create/', {
    source_type: 'raw',
    direct_input: NAMESPACE,
    public: true,
  })
  await fill('edit a namespace of metadata', '/admin/metadata_defs/OS::Horizon::Peers/update', {
    public: true,
    protected: false,
  })
  await look('look at a namespace of metadata', async () => '/admin/metadata_defs/OS::Horizon::Peers/detail')
  await press(
    'delete a namespace of metadata',
    '/admin/metadata_defs/',
    async () => 'namespaces__delete__OS::Horizon::Peers',
  )
}
