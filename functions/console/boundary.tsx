import { Component, type ComponentChildren } from 'preact'
import { asFault, type Fault } from './api/fault.ts'
import { FaultNote } from './parts/fault.tsx'

interface Props {
  /** Where the page is: elsewhere it is drawn anew. */
  at: string
  children: ComponentChildren
}

/** Shows why in place of a page that cannot be drawn; what is around it goes on. */
export class Boundary extends Component<Props, { fault: Fault | null; at: string }> {
  override state = { fault: null as Fault | null, at: this.props.at }

  static override getDerivedStateFromProps({ at }: Props, state: { at: string }) {
    return at === state.at ? null : { at, fault: null }
  }
  override componentDidCatch(error: unknown) {
    console.error(error)
    this.setState({ fault: asFault(error) })
  }
  override render() {
    const { fault } = this.state
    return fault ? <FaultNote fault={fault} again={() => this.setState({ fault: null })} /> : this.props.children
  }
}
