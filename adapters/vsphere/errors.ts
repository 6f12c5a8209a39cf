import { BEYOND_ACCOUNT, CloudError } from '../errors.ts'
import { type ErrorTable, knownErrors } from '../shared/error-table.ts'
import type { Fault } from './wire/soap.ts'

/**
 * The one table from vSphere's fault types to ours, with the sentence that users read. Only the type counts: messages
 * are translated by the server and differ from release to release.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ (Fault Types)
 *
 * A type that is not here is `definitive` when a call is refused with it, since vCenter understood and declined, and
 * `ambiguous` when a task ends with it; so is everything that is no fault: time-outs, broken connections, other bodies.
 */
const TABLE: ErrorTable = {
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
    'no-capacity': {
      'The cloud has no room for this at the moment.': [
        'InsufficientResourcesFault',
        'InsufficientCpuResourcesFault',
        'InsufficientMemoryResourcesFault',
        'InsufficientHostCapacityFault',
        'InsufficientHostCpuCapacityFault',
        'InsufficientHostMemoryCapacityFault',
        'InsufficientFailoverResourcesFault',
        'InsufficientVimResourcesFault',
        'InsufficientGraphicsResourcesFault',
        'NoActiveHostInCluster',
        'InsufficientStandbyResource',
      ],
      'The hosts of the zone are in maintenance.': ['InvalidHostState', 'HostInMaintenanceMode'],
    },
    'account-limit': {
      [BEYOND_ACCOUNT]: ['NotEnoughLicenses', 'InMemoryVmLimit', 'LicenseRestricted', 'VmLimitLicense'],
    },
    unsupported: {
      'The hosts of the zone have too few processors for this size.': ['NotEnoughCpus', 'NotEnoughLogicalCpus'],
    },
    // Disks, networks, and hosts that suit one machine: the next of that size may have others.
    'of-the-request': {
      'The cloud has no room for a part of this at the moment.': [
        'InsufficientStorageSpace',
        'InsufficientStorageIops',
        'InsufficientNetworkCapacity',
        'NoDiskSpace',
        'NoCompatibleHost',
        'NoCompatibleDatastore',
        'NoPermissionOnHost',
      ],
    },
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

const KNOWN = knownErrors(TABLE)

/** Every fault type of the table, for tests and documentation. */
export const KNOWN_FAULTS: readonly string[] = KNOWN.codes

/**
 * A fault as ours.
 * @param from `call`: the method was refused; `task`: it ran and failed, and may have done half of it
 */
export const fromFault = (fault: Fault, action: string, from: 'call' | 'task'): CloudError => {
  const kept = {
    cloudCode: fault.type || undefined,
    operatorMessage: `${action}: ${fault.type} ${fault.message}`.trim(),
  }
  const known = KNOWN.errorFor(fault.type, kept)
  if (known) return known
  if (fault.type === '' || from === 'task')
    return new CloudError('ambiguous', 'The cloud did not give a clear answer.', kept)
  return new CloudError('definitive', `The cloud refused the request (${fault.type}).`, kept)
}
