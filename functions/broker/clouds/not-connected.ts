import { CloudError, type CloudErrorCode, type CloudErrorDetail } from '../../../adapters/errors.ts'

/**
 * The cloud was not asked at all: no mapping, an open breaker, credentials that do not open. It says nothing about what
 * an earlier call did, whatever its code.
 */
export class NotConnected extends CloudError {
  constructor(code: CloudErrorCode, message: string, detail: CloudErrorDetail = {}) {
    super(code, message, detail)
    this.name = 'NotConnected'
  }
}

/** The project has no mapping to the cloud. It gets nothing of it, least of all somebody else's account. */
export class NotMapped extends NotConnected {
  constructor(cloudName: string) {
    super('denied', `The project has no access to cloud ${cloudName}.`)
    this.name = 'NotMapped'
  }
}
