/**
 * The law of the state: each part of it is changed by the files that own it, and by no others. A change is an assignment, `++`,
 * `delete`, or a call of a method that changes a collection, of anything below `state.PART` or of what was taken out of it.
 */

/** Methods of Map, Set, Array, IdMap and IdSet that change them. */
const CHANGES = new Set(['set', 'add', 'delete', 'clear', 'push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'fill'])

/** @type {import('eslint').Rule.RuleModule} */
export const ownState = {
  meta: {
    type: 'problem',
    schema: [{ type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } }],
    messages: { foreign: 'state.{{part}} is changed by {{owners}} alone: call a function of it' },
  },

  create(context) {
    const owners = context.options[0]
    const isOwner = (part) => owners[part].some((file) => context.filename.endsWith(`/src/core/${file}`))

    /** The part that a chain of members begins with, if it begins with `state`. */
    function partOf(node) {
      let inner = node
      while (inner.type === 'MemberExpression' || inner.type === 'TSNonNullExpression') {
        const object = inner.type === 'MemberExpression' ? inner.object : inner.expression
        if (object.type === 'Identifier' && object.name === 'state' && inner.property?.name in owners)
          return inner.property.name
        inner = object
      }
      return undefined
    }

    function check(node, part) {
      if (part === undefined || isOwner(part)) return
      context.report({ node, messageId: 'foreign', data: { part, owners: owners[part].join(' and ') } })
    }

    /** Is this chain of members changed? */
    function isChanged(node) {
      let outer = node
      while (outer.parent.type === 'MemberExpression' && outer.parent.object === outer) outer = outer.parent
      const { parent } = outer
      if (outer !== node && parent.type === 'AssignmentExpression' && parent.left === outer) return true
      if (outer !== node && parent.type === 'UpdateExpression') return true
      if (parent.type === 'UnaryExpression' && parent.operator === 'delete') return true
      return (
        outer !== node &&
        parent.type === 'CallExpression' &&
        parent.callee === outer &&
        CHANGES.has(outer.property.name)
      )
    }

    /** What was taken out of the state by its name: `const { asks } = state`, `({ asks }: State) => …`. */
    function checkPattern(pattern, declaration) {
      for (const { key, value } of pattern.properties) {
        if (key?.name === undefined || !(key.name in owners)) continue
        const names = new Set()
        collect(value, names)
        for (const variable of context.sourceCode.getDeclaredVariables(declaration)) {
          if (!names.has(variable.name)) continue
          for (const { identifier } of variable.references) if (isChanged(identifier)) check(identifier, key.name)
        }
      }
    }

    function collect(node, names) {
      if (node.type === 'Identifier') names.add(node.name)
      else if (node.type === 'AssignmentPattern') collect(node.left, names)
      else if (node.type === 'ObjectPattern') for (const { value } of node.properties) if (value) collect(value, names)
    }

    function checkParameters(node) {
      for (const parameter of node.params) {
        const type = parameter.typeAnnotation?.typeAnnotation
        if (parameter.type === 'ObjectPattern' && type?.typeName?.name === 'State') checkPattern(parameter, node)
      }
    }

    return {
      AssignmentExpression: ({ left }) => check(left, partOf(left)),
      UpdateExpression: ({ argument }) => check(argument, partOf(argument)),
      UnaryExpression: ({ operator, argument }) => operator === 'delete' && check(argument, partOf(argument)),
      CallExpression({ callee }) {
        if (callee.type === 'MemberExpression' && CHANGES.has(callee.property.name))
          check(callee, partOf(callee.object))
      },
      VariableDeclarator(node) {
        const { id, init } = node
        if (id.type !== 'ObjectPattern' || init === null) return
        if (init.type === 'Identifier' && init.name === 'state') return checkPattern(id, node)
        const part = partOf(init)
        if (part === undefined) return
        const names = new Set()
        collect(id, names)
        for (const variable of context.sourceCode.getDeclaredVariables(node)) {
          if (!names.has(variable.name)) continue
          for (const { identifier } of variable.references) if (isChanged(identifier)) check(identifier, part)
        }
      },
      FunctionDeclaration: checkParameters,
      FunctionExpression: checkParameters,
      ArrowFunctionExpression: checkParameters,
    }
  },
}
