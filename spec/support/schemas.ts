/** Schemas as libraries make them, by hand. */
import type { StandardSchemaV1 } from '../../src/protocol/standard-schema.js'

/** A text that is a date, which comes out as one. */
export const dateSchema: StandardSchemaV1<string, Date> = {
  '~standard': {
    version: 1,
    vendor: 'spec',
    validate: (value) => {
      const date = new Date(typeof value === 'string' ? value : NaN)
      return Number.isNaN(date.getTime()) ? { issues: [{ message: 'expected a date', path: [] }] } : { value: date }
    },
  },
}

/** A text that is not empty, which takes a while to see. */
export const laterSchema: StandardSchemaV1<string> = {
  '~standard': {
    version: 1,
    vendor: 'spec',
    validate: async (value) =>
      typeof value === 'string' && value !== '' ? { value } : { issues: [{ message: 'expected a text' }] },
  },
}

export interface Block {
  height: number
  text: string
}

export const blockSchema: StandardSchemaV1<Block> = {
  '~standard': {
    version: 1,
    vendor: 'spec',
    validate: (value) => {
      const { height, text } = (value ?? {}) as Partial<Block>
      const issues = [
        ...(typeof height === 'number' ? [] : [{ message: 'expected a number', path: ['height'] }]),
        ...(typeof text === 'string' ? [] : [{ message: 'expected a text', path: ['text'] }]),
      ]
      return issues.length === 0 ? { value: value as Block } : { issues }
    },
  },
}
