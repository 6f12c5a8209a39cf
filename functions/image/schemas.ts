import { table } from '../../adapters/table.ts'
import { type Operation, operation } from '../http/operation.ts'
import { CONTAINER_FORMATS, DISK_FORMATS } from './fields.ts'
import { METADEF_SCHEMAS } from './metadefs/schemas.ts'

const text = (description: string, maxLength = 255) => ({ type: 'string', description, maxLength })
const nullable = (description: string, maxLength = 255) => ({ type: ['null', 'string'], description, maxLength })
const seen = <T extends object>(property: T) => ({ ...property, readOnly: true })
const url = (description: string) => seen({ type: 'string', description })
const link = (rel: string, href: string) => ({ rel, href })

/** glance/api/v2/images.py, get_base_properties */
const image = {
  name: 'image',
  properties: {
    id: {
      type: 'string',
      description: 'An identifier for the image',
      pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
    },
    name: nullable('Descriptive name for the image'),
    status: seen({
      type: 'string',
      description: 'Status of the image',
      enum: [
        'queued',
        'saving',
        'active',
        'killed',
        'deleted',
        'uploading',
        'importing',
        'pending_delete',
        'deactivated',
      ],
    }),
    visibility: {
      type: 'string',
      description: 'Scope of image accessibility',
      enum: ['community', 'public', 'private', 'shared'],
    },
    protected: { type: 'boolean', description: 'If true, image will not be deletable.' },
    os_hidden: { type: 'boolean', description: 'If true, image will not appear in default image list response.' },
    checksum: seen(nullable('md5 hash of image contents.', 32)),
    os_hash_algo: seen(nullable('Algorithm to calculate the os_hash_value', 64)),
    os_hash_value: seen(
      nullable('Hexdigest of the image contents using the algorithm specified by the os_hash_algo', 128),
    ),
    owner: nullable('Owner of the image'),
    size: seen({ type: ['null', 'integer'], description: 'Size of image file in bytes' }),
    virtual_size: seen({ type: ['null', 'integer'], description: 'Virtual size of image in bytes' }),
    container_format: {
      type: ['null', 'string'],
      description: 'Format of the container',
      enum: [null, ...CONTAINER_FORMATS],
    },
    disk_format: { type: ['null', 'string'], description: 'Format of the disk', enum: [null, ...DISK_FORMATS] },
    created_at: url('Date and time of image registration'),
    updated_at: url('Date and time of the last image modification'),
    tags: {
      type: 'array',
      description: 'List of strings related to the image',
      items: { type: 'string', maxLength: 255 },
    },
    min_ram: { type: 'integer', description: 'Amount of ram (in MB) required to boot image.' },
    min_disk: { type: 'integer', description: 'Amount of disk space (in GB) required to boot image.' },
    'plimsoll:clouds': url('Names of the clouds that have the image, separated by commas'),
    stores: url('Stores that have the data, separated by commas: clouds by their names, and the broker itself'),
    self: url('An image self url'),
    file: url('An image file url'),
    schema: url('An image schema url'),
  },
  additionalProperties: { type: 'string' },
  links: [link('self', '{self}'), link('enclosure', '{file}'), link('describedby', '{schema}')],
}

const member = {
  name: 'member',
  properties: {
    member_id: text('An identifier for the image member (tenantId)'),
    image_id: { type: 'string', description: 'An identifier for the image', pattern: image.properties.id.pattern },
    created_at: { type: 'string', description: 'Date and time of image member creation' },
    updated_at: { type: 'string', description: 'Date and time of last modification of image member' },
    status: {
      type: 'string',
      description: 'The status of this image member',
      enum: ['pending', 'accepted', 'rejected'],
    },
    schema: url('An image member schema url'),
  },
}

const listOf = (name: string, key: string, items: object, links = true) => ({
  name,
  properties: {
    [key]: { type: 'array', items },
    ...(links ? { first: { type: 'string' }, next: { type: 'string' } } : {}),
    schema: { type: 'string' },
  },
  links: links
    ? [link('first', '{first}'), link('next', '{next}'), link('describedby', '{schema}')]
    : [link('describedby', '{schema}')],
})

/** glance/api/v2/tasks.py */
const task = {
  name: 'task',
  properties: {
    id: { type: 'string', description: 'An identifier for the task', pattern: image.properties.id.pattern },
    type: {
      type: 'string',
      description: 'The type of task represented by this content',
      enum: ['import', 'api_image_import', 'location_import'],
    },
    status: {
      type: 'string',
      description: 'The current status of this task',
      enum: ['pending', 'processing', 'success', 'failure'],
    },
    input: { type: ['null', 'object'], description: 'The parameters required by task, JSON blob' },
    result: { type: ['null', 'object'], description: 'The result of current task, JSON blob' },
    owner: { type: 'string', description: 'An identifier for the owner of this task' },
    image_id: { type: 'string', description: 'Image associated with the task' },
    request_id: { type: 'string', description: 'The request that asked for it' },
    user_id: { type: 'string', description: 'The user who asked for it' },
    message: { type: 'string', description: 'Human-readable informative message only included when appropriate' },
    expires_at: { type: ['null', 'string'], description: 'Datetime when this resource would be subject to removal' },
    created_at: { type: 'string', description: 'Datetime when this resource was created' },
    updated_at: { type: 'string', description: 'Datetime when this resource was updated' },
    self: url('A task self url'),
    schema: url('A task schema url'),
  },
}

const SCHEMAS: Record<string, object> = table({
  image,
  images: listOf('images', 'images', image),
  member,
  members: listOf('members', 'members', member),
  task,
  tasks: listOf('tasks', 'tasks', task),
  ...METADEF_SCHEMAS,
})

/** https://docs.openstack.org/api-ref/image/v2/#image-schemas */
export const schemaOperations: Operation[] = Object.entries(SCHEMAS).map(([name, body]) =>
  operation({
    name: `schema.${name.replace('/', '_')}`,
    method: 'GET',
    path: `/v2/schemas/${name}`,
    who: 'reader',
    summary: `JSON schema of ${name}.`,
    status: 200,
    handle: () => ({ body }),
  }),
)
