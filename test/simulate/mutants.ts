/** One safety rule taken out of the program, and the scenario in which only that rule helps. */
export interface Mutant {
  rule: string
  /** Texts of one file, each of which must be there exactly once. */
  file: string
  replace: [text: string, by: string][]
  scenario: string
}

export const mutants: Mutant[] = [
  {
    rule: 'A repeated call carries the token of the first.',
    file: 'functions/broker/present.ts',
    replace: [
      [
        'await work.write({ calledAt: work.now(), attempts: work.binding.attempts + 1 })',
        'await work.write({ calledAt: work.now(), token: work.context.newId() })',
      ],
    ],
    scenario: 'lost answer, invisible object',
  },
  {
    rule: 'What is not known to have failed is ambiguous: it stays CALLING and is looked up.',
    file: 'functions/broker/recover.ts',
    replace: [
      [
        "case 'ambiguous':\n      return later()",
        "case 'ambiguous':\n      return creating ? startOver(work, thrown) : later()",
      ],
    ],
    scenario: 'lost answer, no deduplication',
  },
  {
    rule: 'Where nothing deduplicates, a call is repeated only when an earlier one can have no effect any more.',
    file: 'functions/broker/present.ts',
    replace: [['shownAt(calledAt, work.realm.settleMs)', '(calledAt ?? 0) + 0 * shownAt(0, 0)']],
    scenario: 'an effect after the answer was given up',
  },
  {
    rule: 'An absence counts for the time when it was looked for.',
    file: 'functions/broker/present.ts',
    replace: [['sure = lookedAt >= visibleBy', 'sure = lookedAt > 0 && work.now() >= visibleBy']],
    scenario: 'an old look',
  },
  {
    rule: 'Nobody begins a call that may end after his lease.',
    file: 'functions/broker/work.ts',
    replace: [['if (this.now() + CALL > this.binding.leaseUntil)', 'if (this.now() < CALL)']],
    scenario: 'held before the call',
  },
  {
    rule: 'Quota moves in the batch of the row that justifies it.',
    file: 'functions/broker/volume.ts',
    replace: [
      ["    charge(context, projectId, 'gigabytes', size),\n    insertVolume", '    insertVolume'],
      [
        "convergeSoon(context, [{ kind: 'volume', resourceId: row.id,",
        "await charge(context, projectId, 'gigabytes', size)\n  convergeSoon(context, [{ kind: 'volume', resourceId: row.id,",
      ],
    ],
    scenario: 'killed at every step of a request',
  },
  {
    rule: 'Only what bears the mark of this deployment counts as ours.',
    file: 'adapters/sandbox/marks.ts',
    replace: [['mark?.deployment === deployment ? mark : undefined', 'deployment ? (mark ?? undefined) : undefined']],
    scenario: 'a neighbour in the account',
  },
  {
    rule: 'Before a removal the cloud looks whether the mark is that of the resource.',
    file: 'adapters/sandbox/marks.ts',
    replace: [
      [
        'if (own && (!mark || own.resource === mark.resource)) return',
        'if (!own || !mark || own.resource === mark.resource) return',
      ],
    ],
    scenario: 'an object taken over by hand',
  },
  {
    rule: 'Whoever lost his claim writes no more (the fence).',
    file: 'db/queries/bindings.ts',
    replace: [
      [
        'cloud_id = ? and scope = ? and fence = ?)`,\n    [kind, resourceId, cloudId, scope, fence]',
        'cloud_id = ? and scope = ? and 0 < ?)`,\n    [kind, resourceId, cloudId, scope, fence]',
      ],
      [
        ".where(and(there(), eq(bindings.fence, sql.placeholder('fence'))))\n      .returning()",
        '.where(there())\n      .returning()',
      ],
    ],
    scenario: 'late for its own lease',
  },
  {
    rule: 'Of a call without an answer nothing is concluded before the grace G.',
    file: 'functions/broker/absent.ts',
    replace: [['(calledAt ?? 0) + Math.max(GRACE, 2 * work.realm.settleMs)', '(calledAt ?? 0) + 0 * GRACE']],
    scenario: 'deleted before the answer',
  },
  {
    rule: 'If more than 20 % of an account vanishes at once, the listing is not believed.',
    file: 'functions/broker/sweep.ts',
    replace: [['absent.length > known.length * BRAKE', 'absent.length > known.length / BRAKE']],
    scenario: 'an empty account',
  },
  {
    rule: 'If more than 20 % of what is marked are orphans, none is removed.',
    file: 'functions/broker/orphans.ts',
    replace: [['orphans.length > marked * BRAKE', 'orphans.length > marked / BRAKE']],
    scenario: 'a dozen orphans at once',
  },
  {
    rule: 'The cloud is listed first, the rows are read second.',
    file: 'functions/broker/sweep.ts',
    replace: [
      [
        '    const listing = await listOn(',
        '    const bound = await knownObjects(context.db, cloudId, kind, projectIds)\n    const listing = await listOn(',
      ],
      [
        '.map((sighting) => [sighting.id, sighting]))\n    const bound = await knownObjects(context.db, cloudId, kind, projectIds)\n',
        '.map((sighting) => [sighting.id, sighting]))\n',
      ],
    ],
    scenario: 'deleted before a listing',
  },
  {
    rule: 'A listing does not judge what is younger than itself.',
    file: 'functions/broker/sweep.ts',
    replace: [['bound.filter((k) => (k.boundAt ?? 0) < startedAt)', 'bound.filter(() => startedAt > 0)']],
    scenario: 'made behind a listing',
  },
  {
    rule: 'What was made while this database was not kept is reported, never removed (the epoch).',
    file: 'functions/broker/epoch.ts',
    replace: [['since <= epoch && epoch <= until', 'since > epoch && epoch > until']],
    scenario: 'a restored database',
  },
  {
    rule: 'An orphan is ten minutes old before it is removed.',
    file: 'functions/broker/orphans.ts',
    replace: [['now - o.firstSeenAt >= AGE', 'now - o.firstSeenAt >= 0 * AGE']],
    scenario: 'a young orphan',
  },
  {
    rule: 'A request with the key of an earlier one makes nothing new.',
    file: 'functions/repeat.ts',
    replace: [["request.headers.get('Idempotency-Key') ??", "request.headers.get('No-Such-Key') ??"]],
    scenario: 'asked twice',
  },
  {
    rule: 'A changed intent is seen by whoever works on the one before.',
    file: 'functions/broker/work.ts',
    replace: [['return this.binding.revision !== this.began', 'return this.binding.revision < this.began']],
    scenario: 'another wish between two steps',
  },
  {
    rule: 'What is said of a repeated call is not said of the first.',
    file: 'functions/broker/recover.ts',
    replace: [["creating && work.answer === 'repeated' &&", 'creating && work.answer === null &&']],
    scenario: 'refused the second time',
  },
]
