import { BEYOND_ACCOUNT, CloudError } from '../errors.ts'
import { type ErrorTable, knownErrors } from '../shared/error-table.ts'

/**
 * The one table from EC2's (and STS's) error codes to ours, with the sentence that users read.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 *
 * A code that is not here is `definitive` if EC2 parsed and refused the request (4xx with an EC2 error body) and
 * `ambiguous` otherwise: 5xx, time-outs, broken connections, bodies that are not EC2's.
 */
const TABLE: ErrorTable = {
  throttled: {
    'The cloud asks for fewer requests.': [
      'RequestLimitExceeded',
      'Throttling',
      'ThrottlingException',
      'RequestThrottled',
      'RequestThrottledException',
      'ConcurrentLimitExceededException',
      'TooManyRequestsException',
      'EC2ThrottledException',
      'SlowDown',
      'BandwidthLimitExceeded',
      'SnapshotCreationPerVolumeRateExceeded',
      'ConcurrentSnapshotLimitExceeded',
    ],
  },
  ambiguous: {
    'The cloud did not give a clear answer.': [
      'InternalError',
      'InternalFailure',
      'InternalServerException',
      'ServiceUnavailable',
      'Unavailable',
    ],
    // Something was made with this token, so it must be looked for, never given up.
    'The cloud knows this request with other contents.': ['IdempotentParameterMismatch'],
  },
  capacity: {
    'no-capacity': {
      'The cloud has no room for this at the moment.': [
        'InsufficientInstanceCapacity',
        'InsufficientHostCapacity',
        'InsufficientReservedInstanceCapacity',
        'InsufficientCapacity',
        'InsufficientCapacityOnHost',
      ],
      'The market asks for more than is offered for it.': ['SpotMaxPriceTooLow'],
    },
    'account-limit': {
      [BEYOND_ACCOUNT]: ['InstanceLimitExceeded', 'VcpuLimitExceeded', 'MaxSpotInstanceCountExceeded'],
    },
    unsupported: {
      'The size is not available in this zone.': ['Unsupported', 'UnsupportedHibernationConfiguration'],
    },
    // Disks, addresses and networks: a machine of that size may have others.
    'of-the-request': {
      'The cloud has no room for a part of this at the moment.': [
        'InsufficientVolumeCapacity',
        'InsufficientAddressCapacity',
        'InsufficientFreeAddressesInSubnet',
      ],
      'This exceeds what the cloud account allows of a part of it: quota exceeded.': [
        'ResourceLimitExceeded',
        'VolumeLimitExceeded',
        'MaxIOPSLimitExceeded',
        'SnapshotLimitExceeded',
        'ServiceQuotaExceededException',
        'AddressLimitExceeded',
        'VpcLimitExceeded',
        'SubnetLimitExceeded',
        'InternetGatewayLimitExceeded',
        'RouteTableLimitExceeded',
        'NetworkInterfaceLimitExceeded',
        'SecurityGroupLimitExceeded',
        'KeyPairLimitExceeded',
        'PlacementGroupLimitExceeded',
      ],
    },
  },
  not_found: {
    'The cloud does not know this object.': [
      'InvalidInstanceID.NotFound',
      'InvalidVpcID.NotFound',
      'InvalidVpcId.NotFound',
      'InvalidSubnetID.NotFound',
      'InvalidSubnetId.NotFound',
      'InvalidInternetGatewayID.NotFound',
      'InvalidInternetGatewayId.NotFound',
      'InvalidRouteTableID.NotFound',
      'InvalidRouteTableId.NotFound',
      'InvalidRoute.NotFound',
      'InvalidAssociationID.NotFound',
      'InvalidGroup.NotFound',
      'InvalidGroupId.NotFound',
      'InvalidSecurityGroupID.NotFound',
      'InvalidPermission.NotFound',
      'InvalidNetworkInterfaceID.NotFound',
      'InvalidNetworkInterfaceId.NotFound',
      'InvalidAttachmentID.NotFound',
      'InvalidAttachment.NotFound',
      'InvalidKeyPair.NotFound',
      'InvalidPlacementGroup.Unknown',
      'InvalidAllocationID.NotFound',
      'InvalidAddress.NotFound',
      'InvalidAddressID.NotFound',
      'InvalidVolume.NotFound',
      'InvalidVolumeModification.NotFound',
      'InvalidSnapshot.NotFound',
      'ResourceNotFoundException',
      'InvalidAMIID.NotFound',
      'InvalidAMIID.Unavailable',
      'InvalidDhcpOptionID.NotFound',
      'InvalidDhcpOptionsID.NotFound',
      'InvalidID',
    ],
  },
  conflict: {
    'Something else on the cloud still uses this object.': [
      'DependencyViolation',
      'VolumeInUse',
      'ResourceInUse',
      'InvalidGroup.InUse',
      'InvalidGroup.Reserved',
      'InvalidIPAddress.InUse',
      'InvalidNetworkInterface.InUse',
      'InvalidSnapshot.InUse',
      'InvalidPlacementGroup.InUse',
      'Resource.AlreadyAssociated',
      'Resource.AlreadyAssigned',
    ],
    'The object is not in the state that this needs.': [
      'IncorrectState',
      'IncorrectInstanceState',
      'IncorrectModificationState',
      'InvalidState',
      'InvalidAttachmentState',
      'ConcurrentTagAccess',
      'ConflictException',
      'ConcurrentCreateImageNoRebootLimitExceeded',
      'Gateway.NotAttached',
    ],
    'The cloud changes a volume once in six hours.': ['VolumeModificationRateExceeded'],
    'An object with this name or address is already there.': [
      'InvalidGroup.Duplicate',
      'InvalidKeyPair.Duplicate',
      'InvalidPlacementGroup.Duplicate',
      'InvalidAMIName.Duplicate',
      'InvalidPermission.Duplicate',
      'InvalidSubnet.Conflict',
      'RouteAlreadyExists',
      'RouteTableAssociationAlreadyExists',
    ],
  },
  definitive: {
    'The cloud account allows no more rules or groups here.': [
      'RulesPerSecurityGroupLimitExceeded',
      'SecurityGroupsPerInterfaceLimitExceeded',
      'SecurityGroupsPerInstanceLimitExceeded',
      'RouteLimitExceeded',
      'VpcCidrBlockLimitExceeded',
      'AttachmentLimitExceeded',
      'PrivateIpAddressLimitExceeded',
      'TagLimitExceeded',
    ],
    'The cloud cannot use this address range.': [
      'InvalidVpc.Range',
      'InvalidVpcRange',
      'InvalidSubnet.Range',
      'InvalidCidrBlock',
    ],
    'The cloud does not accept this key: it takes RSA and ED25519.': ['InvalidKey.Format', 'InvalidKeyPair.Format'],
    'The cloud does not know this size.': ['InvalidInstanceType', 'InvalidInstanceType.NotFound'],
    'The volume is in another zone.': ['InvalidVolume.ZoneMismatch'],
    'The server that this request made is gone.': ['IdempotentInstanceTerminated'],
    'The cloud does not permit this on this object.': ['OperationNotPermitted', 'UnsupportedOperation'],
  },
  denied: {
    'The cloud account may not do this.': [
      'UnauthorizedOperation',
      'AccessDenied',
      'AccessDeniedException',
      'AuthFailure',
      'Blocked',
      'OptInRequired',
      'PendingVerification',
      'AccountDisabled',
    ],
    'The cloud did not accept our credentials.': [
      'InvalidClientTokenId',
      'UnrecognizedClientException',
      'SignatureDoesNotMatch',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'IncompleteSignature',
      'InvalidSecurityToken',
      'RequestExpired',
      'ExpiredToken',
      'ExpiredTokenException',
    ],
  },
}

const KNOWN = knownErrors(TABLE)

/** Every EC2 code of the table, for tests and documentation. */
export const KNOWN_CODES: readonly string[] = KNOWN.codes

/**
 * Turns EC2's refusal into ours.
 * @param cloudCode the `<Code>` of a parsed error body; undefined when there was none
 * @param status HTTP status; undefined when no answer came
 */
export const translate = (
  cloudCode: string | undefined,
  status: number | undefined,
  detail: { action: string; message?: string; requestId?: string; cause?: unknown },
): CloudError => {
  const operatorMessage = `${detail.action}: ${[cloudCode, status, detail.message].filter(Boolean).join(' ')}`
  const kept = { cloudCode, requestId: detail.requestId, operatorMessage, cause: detail.cause }
  const known = KNOWN.errorFor(cloudCode, kept)
  if (known) return known
  if (cloudCode !== undefined && status !== undefined && status >= 400 && status < 500) {
    return new CloudError('definitive', `The cloud refused the request (${cloudCode}).`, kept)
  }
  return new CloudError('ambiguous', 'The cloud did not give a clear answer.', kept)
}

/** What the SDK throws: a service exception with the parsed body, or whatever broke on the way. */
interface SdkError {
  message?: string
  $metadata?: { httpStatusCode?: number; requestId?: string }
  $response?: { statusCode?: number; headers?: Record<string, string> }
  Error?: { Code?: string; Message?: string }
}

/** An error of the SDK as ours; ours stay as they are. The SDK's own is not kept: it drags the whole answer along. */
export const fromSdk = (error: unknown, action: string): CloudError => {
  if (error instanceof CloudError) return error
  const sdk = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as SdkError
  // The SDK calls an unparsable 404 `NotFound`; only a code from the body counts.
  return translate(sdk.Error?.Code, sdk.$metadata?.httpStatusCode ?? sdk.$response?.statusCode, {
    action,
    message: sdk.message,
    requestId: sdk.$metadata?.requestId ?? sdk.$response?.headers?.['x-amzn-requestid'],
  })
}
