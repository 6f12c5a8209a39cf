import { CloudError, type CloudErrorCode } from '../errors.ts'
import type { Fault } from './wire/soap.ts'

/**
 * The one table from vSphere's fault types to ours, with the sentence that users read. Only the type counts: messages
 * are translated by the server and differ from release to release.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ (Fault Types)
 *
 * A type that is not here is `definitive` when a call is refused with it, since vCenter understood and declined, and
 * `ambiguous` when a task ends with it; so is everything that is no fault: time-outs, broken connections, other bodies.
 */
const TABLE: Record<CloudErrorCode, Record<string, string[]>> = {
  throttled: {
    'The cloud asks for fewer requests.': ['RequestCanceled', 'ServerBusy', 'TooManyConsecutiveOverrides'],
  },
  ambiguous: {
    'The cloud did not give a clear answer.': [
      'SystemError',
      'HostCommunication',
      'HostNotConnected',
      'HostNotReachable',
      'HostConnectFault',
      'GenericVmConfigFault',
      'Timedout',
      'NoHost',
      'VslmFault',
    ],
  },
  capacity: {
    'The cloud has no room for this at the moment.': [
      'InsufficientResourcesFault',
      'InsufficientCpuResourcesFault',
      'InsufficientMemoryResourcesFault',
      'InsufficientHostCapacityFault',
      'InsufficientHostCpuCapacityFault',
      'InsufficientHostMemoryCapacityFault',
      'InsufficientFailoverResourcesFault',
      'InsufficientVimResourcesFault',
      'InsufficientStorageSpace',
      'InsufficientStorageIops',
      'InsufficientGraphicsResourcesFault',
      'InsufficientNetworkCapacity',
      'NoDiskSpace',
      'NoCompatibleHost',
      'NoCompatibleDatastore',
      'NoActiveHostInCluster',
      'NoPermissionOnHost',
      'VmLimitLicense',
      'InsufficientStandbyResource',
      'NotEnoughCpus',
      'NotEnoughLogicalCpus',
    ],
    'The limits of the cloud account are reached.': ['NotEnoughLicenses', 'InMemoryVmLimit', 'LicenseRestricted'],
    'The hosts of the zone are in maintenance.': ['InvalidHostState', 'HostInMaintenanceMode'],
  },
  not_found: {
    'The cloud does not know this object.': ['ManagedObjectNotFound', 'NotFound', 'FileNotFound'],
  },
  conflict: {
    'Something else on the cloud still uses this object.': ['ResourceInUse', 'FileLocked', 'VmConfigFileLocked'],
    'The object is not in the state that this needs.': [
      'InvalidState',
      'InvalidPowerState',
      'InvalidSnapshotState',
      'TaskInProgress',
      'VAppTaskInProgress',
      'ConcurrentAccess',
      'OperationDisallowedOnHost',
      'InvalidDatastoreState',
      'InvalidVmState',
      'SnapshotLocked',
      'QuestionPending',
      'MissingController',
    ],
    'The guest does not answer yet.': ['ToolsUnavailable', 'ToolsUpgradeInProgress', 'GuestOperationsUnavailable'],
    'An object with this name is already there.': ['DuplicateName', 'FileAlreadyExists', 'AlreadyExists'],
  },
  definitive: {
    'The cloud cannot do this with the given values.': [
      'InvalidArgument',
      'InvalidRequest',
      'InvalidType',
      'InvalidName',
      'InvalidProperty',
      'InvalidDeviceSpec',
      'InvalidDeviceBacking',
      'InvalidDiskFormat',
      'InvalidFolder',
      'InvalidDatastore',
      'InvalidDatastorePath',
      'VmConfigFault',
      'InvalidVmConfig',
      'DeviceNotSupported',
      'IncompatibleSetting',
      'CpuHotPlugNotSupported',
      'MemoryHotPlugNotSupported',
      'CustomizationFault',
      'DvsFault',
      'LimitExceeded',
    ],
    'The cloud does not permit this on this object.': [
      'NotSupported',
      'MethodNotFound',
      'RestrictedVersion',
      'DisallowedMigrationDeviceAttached',
      'MethodDisabled',
    ],
  },
  denied: {
    'The cloud account may not do this.': ['NoPermission', 'SecurityError', 'InvalidPrivilege'],
    'The cloud did not accept our credentials.': [
      'InvalidLogin',
      'NotAuthenticated',
      'NoClientCertificate',
      'PasswordExpired',
      'AccountLocked',
    ],
  },
}

const BY_TYPE = new Map<string, [CloudErrorCode, string]>(
  Object.entries(TABLE).flatMap(([code, sentences]) =>
    Object.entries(sentences).flatMap(([sentence, types]) =>
      types.map((type): [string, [CloudErrorCode, string]] => [type, [code as CloudErrorCode, sentence]]),
    ),
  ),
)

/** Every fault type of the table, for tests and documentation. */
export const KNOWN_FAULTS: readonly string[] = [...BY_TYPE.keys()]

const THROTTLE_MS = 2_000

/**
 * A fault as ours.
 * @param from `call`: the method was refused; `task`: it ran and failed, and may have done half of it
 */
export const fromFault = (fault: Fault, action: string, from: 'call' | 'task'): CloudError => {
  const kept = {
    cloudCode: fault.type || undefined,
    operatorMessage: `${action}: ${fault.type} ${fault.message}`.trim(),
  }
  const known = BY_TYPE.get(fault.type)
  if (known) {
    const [code, sentence] = known
    return new CloudError(code, sentence, code === 'throttled' ? { ...kept, retryAfterMs: THROTTLE_MS } : kept)
  }
  if (fault.type === '' || from === 'task')
    return new CloudError('ambiguous', 'The cloud did not give a clear answer.', kept)
  return new CloudError('definitive', `The cloud refused the request (${fault.type}).`, kept)
}

/** No fault at all: a proxy's page, half an answer, a broken line. */
export const unclear = (action: string, why: unknown): CloudError =>
  new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
    operatorMessage: `${action}: ${why instanceof Error ? why.message : String(why)}`,
  })

/** What vSphere cannot do at all is refused before it is asked. */
export const refuse = (sentence: string): never => {
  throw new CloudError('definitive', sentence)
}

export const gone = (id: string): CloudError =>
  new CloudError('not_found', 'The cloud does not know this object.', { operatorMessage: `${id} is not there` })

/** Runs a call; that the object is gone already is what was wanted. */
export const unlessGone = async (call: () => Promise<unknown>): Promise<void> => {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof CloudError && error.code === 'not_found')) throw error
  }
}
