import type { Surroundings } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { translate } from '../errors.ts'
import { callSigned, type Keys } from './sign.ts'

/**
 * The one call of the Price List query API that the adapter needs.
 * https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
 */
export interface PriceList {
  /** One page of products of a service that have these attributes, each as JSON text in the list's own format. */
  products(
    service: string,
    attributes: Record<string, string>,
    token?: string,
  ): Promise<{ items: string[]; next?: string }>
}

/** The list of all regions but those of China is here. https://docs.aws.amazon.com/general/latest/gr/billing.html */
export const PRICE_LIST = 'https://api.pricing.us-east-1.amazonaws.com/'

/** The API's own limit. */
const PAGE = 100

/** The region in which a price list is, by its endpoint: calls are signed for that one. */
const regionOf = (endpoint: string): string =>
  /^api\.pricing\.([a-z0-9-]+)\.amazonaws\.com/.exec(new URL(endpoint).hostname)?.[1] ?? 'us-east-1'

/**
 * The price list at an endpoint.
 * @param keys asked anew for every call
 * @throws by the table of errors.ts; `ambiguous` where no answer came, or none that is a list
 */
export const connectPriceList = (
  endpoint: string,
  keys: () => Promise<Keys>,
  surroundings: Surroundings,
): PriceList => ({
  async products(ServiceCode, attributes, NextToken) {
    const Filters = Object.entries(attributes).map(([Field, Value]) => ({ Type: 'TERM_MATCH', Field, Value }))
    const service = { name: 'pricing', endpoint, region: regionOf(endpoint) }
    const answer = await callSigned(service, keys, surroundings, {
      action: 'GetProducts',
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSPriceListService.GetProducts' },
      body: JSON.stringify({ ServiceCode, Filters, FormatVersion: 'aws_v1', MaxResults: PAGE, NextToken }),
    })
    const told = jsonIn(answer.body)
    if (answer.status >= 300) {
      const code = String(told.__type ?? '').replace(/^.*#/s, '')
      throw translate(code || undefined, answer.status, {
        action: 'GetProducts',
        message: String(told.message ?? told.Message ?? ''),
        requestId: answer.headers['x-amzn-requestid'],
      })
    }
    const { PriceList: items, NextToken: next } = told
    if (!Array.isArray(items) || !items.every((item) => typeof item === 'string'))
      throw new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
        operatorMessage: 'GetProducts: the answer has no PriceList',
      })
    return { items, ...(typeof next === 'string' && next ? { next } : {}) }
  },
})

const jsonIn = (body: Uint8Array): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    // Told by its status, or refused as no list.
    return {}
  }
}
