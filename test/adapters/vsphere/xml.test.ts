import { describe, expect, it } from 'vitest'
import { child, childrenOf, escapeXml, parseXml, textOf } from '../../../adapters/shared/xml.ts'

describe('reading XML', () => {
  it('resolves prefixes, defaults and what is inherited', () => {
    const root = parseXml('<a:x xmlns:a="urn:a" xmlns="urn:b"><y/><a:z xmlns="urn:c"><w/></a:z></a:x>')
    expect(root).toMatchObject({ name: 'x', namespace: 'urn:a' })
    expect(root.children.map(({ name, namespace }) => [name, namespace])).toEqual([
      ['y', 'urn:b'],
      ['z', 'urn:a'],
    ])
    expect(child(root, 'z', 'w')?.namespace).toBe('urn:c')
  })

  it.each([
    ['<v xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="VirtualDisk"/>', 'VirtualDisk'],
    ['<v xmlns:q="http://www.w3.org/2001/XMLSchema-instance" q:type="vim25:VirtualDisk"/>', 'VirtualDisk'],
    ['<v xmlns:XMLSchema-instance="x" _XMLSchema-instance:type="VirtualDisk"/>', 'VirtualDisk'],
    ['<v type="VirtualMachine">vm-1</v>', undefined],
    ['<v xmlns:z="urn:z" z:type="VirtualDisk"/>', undefined],
  ])('knows the type of %s', (text, type) => {
    expect(parseXml(text).xsiType).toBe(type)
  })

  it('keeps text, entities and CDATA, and drops comments', () => {
    const text =
      '\ufeff<?xml version="1.0"?><!-- c --><a b=\'1 &gt; 0\'>x &lt;&amp;&#228;&#x1F600;<![CDATA[<b>&]]><!-- d -->y</a>'
    const root = parseXml(text)
    expect(root.text).toBe('x <&ä😀<b>&y')
    expect(root.attributes.get('b')).toBe('1 > 0')
  })

  it('finds children by name, in order', () => {
    const root = parseXml('<a><b>1</b><c><d>2</d></c><b>3</b></a>')
    expect(childrenOf(root, 'b').map(({ text }) => text)).toEqual(['1', '3'])
    expect([textOf(root, 'c', 'd'), textOf(root, 'c', 'e')]).toEqual(['2', undefined])
  })

  it.each([
    '',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    'no',
    '<a>&eacute;</a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a b=1/>',
  ])('refuses %j', (text) => {
    expect(() => parseXml(text)).toThrow(SyntaxError)
  })

  it('writes what it reads, and nothing that XML forbids', () => {
    const text = 'a<b>&"c"\r\n\u0000\u0008ü😀'
    expect(parseXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`).text).toBe('a<b>&"c"\r\nü😀')
  })

  it('reads a megabyte in no time', () => {
    const items = Array.from({ length: 20_000 }, (_, i) => `<item key="${i}"><value>${i}</value></item>`).join('')
    const started = Date.now()
    expect(parseXml(`<all>${items}</all>`).children).toHaveLength(20_000)
    expect(Date.now() - started).toBeLessThan(2_000)
  })
})
