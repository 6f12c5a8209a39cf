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
    file: 'functions/broker/converge/present.ts',
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
    file: 'functions/broker/converge/recover.ts',
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
    file: 'functions/broker/converge/present.ts',
    replace: [['shownAt(calledAt, work.realm.settleMs)', '(calledAt ?? 0) + 0 * shownAt(0, 0)']],
    scenario: 'an effect after the answer was given up',
  },
  {
    rule: 'An absence counts for the time when it was looked for.',
    file: 'functions/broker/converge/present.ts',
    replace: [['sure = lookedAt >= visibleBy', 'sure = lookedAt > 0 && work.now() >= visibleBy']],
    scenario: 'an old look',
  },
  {
    rule: 'No call begins that may end after its lease.',
    file: 'functions/broker/converge/work.ts',
    replace: [['if (this.now() + CALL > this.binding.leaseUntil)', 'if (this.now() < CALL)']],
    scenario: 'held before the call',
  },
  {
    rule: 'Quota moves in the batch of the row that justifies it.',
    file: 'functions/broker/block-storage/volume.ts',
    replace: [
      ["  charge(context, projectId, 'gigabytes', sizeGib),\n]", ']'],
      [
        'return { ...row, cloud: place.cloud,',
        "await charge(context, projectId, 'gigabytes', size)\n  return { ...row, cloud: place.cloud,",
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
    rule: 'A process that lost its claim writes no more (the fence).',
    file: 'db/queries/line/bindings.ts',
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
    file: 'functions/broker/converge/absent.ts',
    replace: [['(calledAt ?? 0) + Math.max(GRACE, 2 * work.realm.settleMs)', '(calledAt ?? 0) + 0 * GRACE']],
    scenario: 'deleted before the answer',
  },
  {
    rule: 'If more than 20 % of an account vanishes at once, the listing is not believed.',
    file: 'functions/broker/reconcile/sweep.ts',
    replace: [['absent.length > known.length * BRAKE', 'absent.length > known.length / BRAKE']],
    scenario: 'an empty account',
  },
  {
    rule: 'If more than 20 % of what is marked are orphans, none is removed.',
    file: 'functions/broker/reconcile/orphans.ts',
    replace: [['orphans.length > marked * BRAKE', 'orphans.length > marked / BRAKE']],
    scenario: 'a dozen orphans at once',
  },
  {
    rule: 'The cloud is listed first, the rows are read second.',
    file: 'functions/broker/reconcile/sweep.ts',
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
    file: 'functions/broker/reconcile/sweep.ts',
    replace: [['bound.filter((k) => (k.boundAt ?? 0) < startedAt)', 'bound.filter(() => startedAt > 0)']],
    scenario: 'made behind a listing',
  },
  {
    rule: 'What was made while this database was not kept is reported, never removed (the epoch).',
    file: 'functions/broker/line/epoch.ts',
    replace: [['since <= epoch && epoch <= until', 'since > epoch && epoch > until']],
    scenario: 'a restored database',
  },
  {
    rule: 'An orphan is ten minutes old before it is removed.',
    file: 'functions/broker/reconcile/orphans.ts',
    replace: [['now - o.firstSeenAt >= AGE', 'now - o.firstSeenAt >= 0 * AGE']],
    scenario: 'a young orphan',
  },
  {
    rule: 'A request with the key of an earlier one makes nothing new.',
    file: 'functions/repeat.ts',
    replace: [["request.headers.get('Idempotency-Key')", "request.headers.get('No-Such-Key')"]],
    scenario: 'asked twice',
  },
  {
    rule: 'A changed intent is seen by the work on the one before.',
    file: 'functions/broker/converge/work.ts',
    replace: [['return revision !== this.began.revision', 'return revision < this.began.revision']],
    scenario: 'another wish between two steps',
  },
  {
    rule: 'What was adopted anew is settled by no work on it from before.',
    file: 'functions/broker/converge/work.ts',
    replace: [[' || ownership !== this.began.ownership', '']],
    scenario: 'adopted again while the mark comes upon it',
  },
  {
    rule: 'A change that went unanswered keeps its claim until it can have no effect any more.',
    file: 'functions/broker/converge/work.ts',
    replace: [['this.openUntil = until', 'this.openUntil = 0 * until']],
    scenario: 'a change overtaken by the next',
  },
  {
    rule: 'A change that lost its claim on the way is made again by who has it.',
    file: 'functions/broker/converge/converge.ts',
    replace: [['if (work.changed) await applyAgain(', 'if (work.changed && work.openUntil > 0) await applyAgain(']],
    scenario: 'a change after its lease',
  },
  {
    rule: 'An action is the end of nothing: what else is wanted of a server is done after it.',
    file: 'functions/broker/compute/server-act.ts',
    replace: [['settled: last && isDescribed(cloud, server, binding)', 'settled: last']],
    scenario: 'renamed in the middle of an action',
  },
  {
    rule: 'Nothing is removed while a call that went unanswered may make it anew.',
    file: 'functions/broker/converge/absent.ts',
    replace: [['calledAt === null ? 0 : shownAt(calledAt, 0)', '0 * (calledAt ?? shownAt(0, 0))']],
    scenario: 'made anew by the first call',
  },
  {
    rule: 'What has not shown itself since it was made may only be late.',
    file: 'functions/broker/converge/absent.ts',
    replace: [['if (!seen && work.now() < visibleBy)', 'if (!seen && work.now() < 0 * visibleBy)']],
    scenario: 'deleted before it shows',
  },
  {
    rule: 'Nothing is handed back while a change of it may be under way.',
    file: 'db/queries/line/release.ts',
    replace: [[" and ownership <> 'releasing'))", " and ownership = 'nobodys'))"]],
    scenario: 'handed back before the answer',
  },
  {
    rule: 'What was handed back is never removed, whatever mark it bears.',
    file: 'functions/broker/reconcile/orphans.ts',
    replace: [['!inLapse(o.epoch) && !o.handedBack', '!inLapse(o.epoch) || o.handedBack']],
    scenario: 'a mark after the hand-over',
  },
  {
    rule: 'What is no part of a request neither takes its key nor counts on its ids.',
    file: 'functions/broker/line/commit.ts',
    replace: [['once ? { ...context, newId: once.otherId } : context', '({ ...context, once }) as Context']],
    scenario: 'killed between two batches of a request',
  },
  {
    rule: 'A repetition speaks of nothing that was not written.',
    file: 'functions/broker/line/commit.ts',
    replace: [
      [
        'if (!(await wasJournalled(db, { userId, action, resourceId, detail }))) throw',
        'if (!db && !(await wasJournalled(db, { userId, action, resourceId, detail }))) throw',
      ],
    ],
    scenario: 'another address, and no answer',
  },
  {
    rule: 'What is said of a repeated call is not said of the first.',
    file: 'functions/broker/converge/recover.ts',
    replace: [["creating && work.answer === 'repeated' &&", 'creating && work.answer === null &&']],
    scenario: 'refused the second time',
  },
]
