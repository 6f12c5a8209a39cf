/** Other roles are left to the caller than the request was let in with: it has to be let in anew. */
export class RolesChanged extends Error {
  constructor() {
    super('the roles of a token are not what they were when it was last looked at')
    this.name = 'RolesChanged'
  }
}
