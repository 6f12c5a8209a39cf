import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { ofProject } from '../../api/of-project.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useChoices } from '../../api/use-choices.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { ForMembers, RowButton, useWindow } from '../../parts/window.tsx'
import { nameOf } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { RuleForm } from './rule-form.tsx'
import { ruleWords } from './rule-words.ts'
import type { Rule, SecurityGroup } from './shapes.ts'

const SIDES = [
  ['ingress', 'What comes in', 'Nothing is let in.'],
  ['egress', 'What goes out', 'Nothing is let out.'],
] as const

/** A security group: each rule in words, and a form for the next. */
const SecurityGroupPage = ({ params }: PageProps) => {
  const answer = useAnswer<{ security_group: SecurityGroup }>(
    'network',
    `/security-groups/${encodeURIComponent(params.id ?? '')}`,
  )
  const all = useChoices<{ id: string; name: string }>(
    'network',
    ofProject('/security-groups?fields=id&fields=name&sort_key=name&sort_dir=asc'),
    'security_groups',
  )
  const { shown, open } = useWindow()
  const groupOf = (id: string) => all.rows.find((each) => each.id === id)?.name ?? id.slice(0, 8)
  const remove = (rule: Rule) =>
    open((close) => (
      <Confirm
        title="Remove a rule"
        verb="Remove"
        danger
        command={[commandLine('security', 'group', 'rule', 'delete', rule.id)]}
        work={async () => {
          await ask('network', `/security-group-rules/${rule.id}`, { method: 'DELETE' })
          notify('The rule is removed.')
          answer.again()
        }}
        onClose={close}
      >
        <p>{ruleWords(rule, groupOf)}</p>
      </Confirm>
    ))
  return (
    <>
      <Heading title={answer.value ? nameOf(answer.value.security_group) : 'Security group'}>
        <a class="button" href={linkTo('/networks', {}, { part: 'groups' })}>
          All security groups
        </a>
      </Heading>
      <Waiting answer={answer}>
        {({ security_group: group }) => (
          <>
            {group.description && <p class="quiet under-heading">{group.description}</p>}
            <div class="beside">
              <div class="stack">
                {SIDES.map(([direction, title, nothing]) => {
                  const rules = group.security_group_rules.filter((rule) => rule.direction === direction)
                  return (
                    <Card key={direction} title={title}>
                      {rules.length ? (
                        <ul class="plain-list">
                          {rules.map((rule) => (
                            <li key={rule.id} class="row">
                              <span>{ruleWords(rule, groupOf)}</span>
                              {rule.description && <span class="quiet small">{rule.description}</span>}
                              <span class="spring" />
                              <RowButton verb="Remove" name={ruleWords(rule, groupOf)} onClick={() => remove(rule)} />
                            </li>
                          ))}
                        </ul>
                      ) : (
                        <p class="quiet">{nothing}</p>
                      )}
                    </Card>
                  )
                })}
                <Command line={commandLine('security', 'group', 'rule', 'list', group.id)} />
              </div>
              <ForMembers>
                <RuleForm group={group} groups={all} onDone={answer.again} />
              </ForMembers>
            </div>
          </>
        )}
      </Waiting>
      {shown}
    </>
  )
}

export default SecurityGroupPage
