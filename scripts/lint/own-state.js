/**
 * The law of the state: each record of it is changed by the files that own it (owners.js), and by no others.
 *
 * A record is an interface or a type that a file named in owners.js declares. It is found by its type, so it does not matter by
 * which name or way a file came to an object. A collection (Map, Set, Array, IdMap, IdSet, Shares) belongs to the record that has it; it
 * is followed through variables, patterns, `get` and loops to the member that it came from. To hand a collection to a function
 * that takes one it may change is to change it. A function that takes a record under a type of its own is not let in.
 *
 * Not seen, and left to reviewers: a collection that a function has returned, or that was put into another object, and is then
 * changed; a record that is returned, or taken by a callback that is given by its name, under a type of its own; a generic function
 * that sets any member (`K extends keyof T`), and a parameter that says only which methods it needs (`{ delete(id): boolean }`);
 * a collection on the right of a pattern without a declaration; and functions that are called by way of others (`call`,
 * `Reflect.apply`, `Array.prototype.push`, a name for `Object.assign`).
 */
import ts from 'typescript'
import { inSrc } from './rooms.js'

/** Methods that change a collection. */
const CHANGES = new Set([
  ...['set', 'add', 'delete', 'clear', 'push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'reverse', 'fill'],
  'copyWithin',
])
/** Methods that give an element of a collection, which may be a collection itself. */
const ELEMENTS = new Set(['get', 'at', 'find', 'findLast', 'pop', 'shift'])
/** Methods that give the elements one after the other. */
const ITERATIONS = new Set([
  ...['values', 'entries', 'filter', 'slice', 'concat', 'sort', 'reverse', 'toSorted', 'toReversed'],
])
const COLLECTIONS = new Set(['Map', 'Set', 'Array', 'IdMap', 'IdSet', 'Shares'])
/** Functions of `Object` and `Reflect` that change their first argument. */
const CHANGERS = new Set([
  ...['assign', 'defineProperty', 'defineProperties', 'setPrototypeOf', 'set', 'deleteProperty', 'freeze'],
])
/** Around an expression, and of the same value. */
const WRAPPERS = new Set(['TSNonNullExpression', 'TSAsExpression', 'TSSatisfiesExpression', 'ChainExpression'])

/** Their records are values: they are made whole, the state keeps some, and nothing changes them. */
const VALUES_FROM = new Set(['terms.ts', 'port.ts', 'effects.ts', 'settings.ts'])

/** What may be a record or a collection that is there already. */
const VALUES = new Set([
  ...['Identifier', 'MemberExpression', 'CallExpression', 'LogicalExpression', 'ConditionalExpression'],
])

/** Types that are another type, seen in another way. */
const VIEWS = new Set(['Readonly', 'Partial', 'Required'])

/** The name of a file of the core, from its folder on. */
function fileInCore(name) {
  const file = inSrc(name)
  return file.startsWith('core/') ? file.slice('core/'.length) : undefined
}

function unwrapped(node) {
  while (WRAPPERS.has(node.type)) node = node.expression
  return node
}

/** @type {import('eslint').Rule.RuleModule} */
export const ownState = {
  meta: {
    type: 'problem',
    schema: [
      {
        type: 'object',
        additionalProperties: {
          type: 'object',
          additionalProperties: { type: 'array', items: { type: 'string' } },
        },
      },
    ],
    messages: {
      foreign: '{{record}} is changed by {{owners}} alone: call a function of it',
      hidden: '{{record}} is taken by a type that hides whose it is: take the record, a Pick of it, or readonly fields',
      stray: 'src/core/{{at}} has {{record}}, a part of the state that can be changed: move it to a state.ts',
      unowned: '{{record}} has no row in scripts/lint/owners.js: say there which files change it',
    },
  },

  create(context) {
    const owners = context.options[0]
    const services = context.sourceCode.parserServices
    const checker = services.program.getTypeChecker()
    const here = fileInCore(context.filename)

    /** The member of a record that a symbol is: `{ file, name, key }`. */
    function memberOf(symbol) {
      for (const declaration of symbol?.declarations ?? []) {
        const file = fileInCore(declaration.getSourceFile().fileName)
        if (file === undefined || !(file in owners)) continue
        const record = ts.findAncestor(
          declaration,
          (node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node),
        )
        if (record !== undefined) return { file, name: record.name.text, key: symbol.name }
      }
      return undefined
    }

    /** The member of a type, or of one of its variants. */
    function memberNamed(type, key) {
      const bare = checker.getNonNullableType(type)
      for (const variant of bare.isUnion() ? bare.types : [bare]) {
        const member = memberOf(checker.getPropertyOfType(checker.getApparentType(variant), key))
        if (member !== undefined) return member
      }
      return undefined
    }

    /** The records that a type is, with no member named. */
    function recordsOf(type) {
      if (type.isUnionOrIntersection() && memberOf(type.aliasSymbol) === undefined) return type.types.flatMap(recordsOf)
      if (VIEWS.has(type.aliasSymbol?.name)) return recordsOf(type.aliasTypeArguments[0])
      const member = memberOf(type.aliasSymbol) ?? memberOf(type.symbol)
      return member === undefined ? [] : [{ ...member, key: undefined }]
    }

    /** Which collection it is; `undefined`: none. */
    function collectionOf(type) {
      const bare = checker.getNonNullableType(type)
      const variants = bare.isUnion() ? bare.types : [checker.getBaseConstraintOfType(bare) ?? bare]
      return variants.map(({ symbol }) => symbol?.name).find((name) => COLLECTIONS.has(name))
    }

    function keyOf({ computed, property }) {
      if (!computed) return property.name
      return property.type === 'Literal' ? String(property.value) : undefined
    }

    /** The member of the state that a collection is, or is inside of. */
    function originOf(expression, seen = new Set()) {
      const node = unwrapped(expression)
      switch (node.type) {
        case 'MemberExpression': {
          const key = keyOf(node)
          const type = services.getTypeAtLocation(node.object)
          const member = key === undefined ? undefined : memberNamed(type, key)
          if (member !== undefined) return member
          // `collection.values().next().value`
          const { callee } = unwrapped(node.object)
          if (key === 'value' && callee?.type === 'MemberExpression' && keyOf(callee) === 'next')
            return originOfElements(callee.object, seen)
          return key === undefined || collectionOf(type) === 'Array' ? originOf(node.object, seen) : undefined
        }
        case 'CallExpression':
          if (node.callee.type !== 'MemberExpression' || !ELEMENTS.has(node.callee.property.name)) return undefined
          return originOf(node.callee.object, seen)
        case 'LogicalExpression':
          return originOf(node.left, seen) ?? originOf(node.right, seen)
        case 'ConditionalExpression':
          return originOf(node.consequent, seen) ?? originOf(node.alternate, seen)
        case 'AssignmentExpression':
          return originOf(node.right, seen)
        case 'Identifier':
          return originOfVariable(node, seen)
        default:
          return undefined
      }
    }

    /** Where the elements come from that a loop or a callback gets. */
    function originOfElements(expression, seen) {
      const node = unwrapped(expression)
      if (node.type === 'ArrayExpression') {
        for (const element of node.elements) {
          if (element === null) continue
          const isSpread = element.type === 'SpreadElement'
          const origin = isSpread ? originOfElements(element.argument, seen) : originOf(element, seen)
          if (origin !== undefined) return origin
        }
        return undefined
      }
      const { callee } = node
      if (node.type === 'CallExpression' && callee.type === 'MemberExpression' && isArrayFrom(callee))
        return originOfElements(node.arguments[0], seen)
      if (node.type === 'CallExpression' && callee.type === 'MemberExpression' && ITERATIONS.has(callee.property.name))
        return originOfElements(callee.object, seen)
      return originOf(node, seen)
    }

    /** A copy, with the elements of another. */
    function isArrayFrom({ object, property }) {
      return object.type === 'Identifier' && object.name === 'Array' && property.name === 'from'
    }

    function originOfVariable(identifier, seen) {
      let scope = context.sourceCode.getScope(identifier)
      while (scope !== null && !scope.set.has(identifier.name)) scope = scope.upper
      const variable = scope?.set.get(identifier.name)
      if (variable === undefined || seen.has(variable)) return undefined
      seen.add(variable)
      for (const { name, node } of variable.defs) {
        const origin = originOfDefinition(name, node, seen)
        if (origin !== undefined) return origin
      }
      for (const { writeExpr, identifier: target } of variable.references) {
        const { parent } = target
        if (!writeExpr || parent.type !== 'AssignmentExpression' || parent.left !== target) continue
        const origin = originOf(writeExpr, seen)
        if (origin !== undefined) return origin
      }
      return undefined
    }

    /** `name`: the identifier in a declaration, maybe inside of patterns. */
    function originOfDefinition(name, definition, seen) {
      let node = name
      // `const [first] = …`: it is an element.
      let of = originOf
      if (node.parent.type === 'AssignmentPattern') node = node.parent
      while (node.parent.type === 'Property' || node.parent.type === 'ArrayPattern') {
        const { parent } = node
        if (parent.type === 'Property') {
          const type = services.getTypeAtLocation(parent.parent)
          const member = parent.computed ? undefined : memberNamed(type, parent.key.name ?? String(parent.key.value))
          if (member !== undefined) return member
          node = parent.parent
        } else {
          node = parent
          of = originOfElements
        }
        if (node.parent.type === 'AssignmentPattern') node = node.parent
      }
      if (node.type === 'ObjectPattern') return undefined
      if (definition.type === 'VariableDeclarator') {
        const loop = definition.parent.parent
        if (loop.type === 'ForOfStatement' && loop.left === definition.parent) return originOfElements(loop.right, seen)
        return definition.init ? of(definition.init, seen) : undefined
      }
      // A parameter of a callback: `collection.forEach((element) => …)`.
      const call = definition.parent
      if (call?.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return undefined
      return call.arguments[0] === definition ? originOfElements(call.callee.object, seen) : undefined
    }

    function check(node, member) {
      if (member === undefined) return
      const { file, name, key } = member
      const rows = owners[file]
      const row = rows[`${name}.${key}`] ?? rows[name]
      const record = key === undefined ? name : `${name}.${key}`
      if (row === undefined) return context.report({ node, messageId: 'unowned', data: { record } })
      if (row.includes(here)) return
      context.report({ node, messageId: 'foreign', data: { record, owners: row.join(' and ') || 'nobody' } })
    }

    /** What is left of `=`, or of `of` in a loop. */
    function checkTarget(target) {
      if (target === null) return
      const node = unwrapped(target)
      switch (node.type) {
        case 'MemberExpression': {
          const key = keyOf(node)
          const type = services.getTypeAtLocation(node.object)
          if (collectionOf(type) !== undefined) return check(node, originOf(node.object))
          const member = key === undefined ? undefined : memberNamed(type, key)
          if (member !== undefined) return check(node, member)
          return checkObject(node.object)
        }
        case 'ArrayPattern':
          return node.elements.forEach(checkTarget)
        case 'ObjectPattern':
          return node.properties.forEach((property) => checkTarget(property.value ?? property.argument))
        case 'AssignmentPattern':
          return checkTarget(node.left)
        case 'RestElement':
          return checkTarget(node.argument)
      }
    }

    /** The objects that `Object.assign` and its like change. */
    function checkObject(node) {
      const origin = originOf(node)
      const records = recordsOf(services.getTypeAtLocation(node))
      if (records.length === 0) return check(node, origin)
      for (const record of records) check(node, record)
    }

    /** What is handed to functions: collections that they may change, and records under another type. */
    function checkArguments(call) {
      let signature
      call.arguments.forEach((argument, index) => {
        const bare = unwrapped(argument)
        if (!VALUES.has(bare.type)) return
        const type = services.getTypeAtLocation(argument)
        const origin = collectionOf(type) === undefined ? undefined : originOf(argument)
        if (origin === undefined && recordsOf(type).length === 0) return
        signature ??= checker.getResolvedSignature(services.esTreeNodeToTSNodeMap.get(call))
        // The declared type, because T may stand for any argument.
        const parameters = signature?.declaration?.parameters ?? []
        const declaration = parameters[Math.min(index, parameters.length - 1)]
        if (declaration === undefined) return
        if (index >= parameters.length && declaration.dotDotDotToken === undefined) return
        if (origin === undefined) checkView(argument, type, declaration)
        else if (collectionOf(elementOfRest(declaration)) !== undefined) check(argument, origin)
      })
    }

    /** The type of a parameter, or of each argument that a rest parameter gathers. */
    function elementOfRest(declaration) {
      const type = checker.getTypeAtLocation(declaration)
      if (declaration.dotDotDotToken === undefined) return type
      return checker.getIndexTypeOfType(type, ts.IndexKind.Number) ?? type
    }

    /** A type with the same fields, which are not readonly, would hide whose fields they are. */
    function checkView(argument, type, parameter) {
      const view = elementOfRest(parameter)
      if (view === type) return
      const isTakenApart = parameter.name !== undefined && ts.isObjectBindingPattern(parameter.name)
      for (const field of view.getProperties()) {
        const declaration = field.declarations?.[0]
        if (declaration === undefined || !ts.isPropertySignature(declaration) || memberOf(field) !== undefined) continue
        const isReadonly = declaration.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword) === true
        if (isReadonly || isTakenApart) {
          if (collectionOf(checker.getTypeOfSymbol(field)) === undefined) continue
        }
        const member = memberNamed(type, field.name)
        if (member === undefined) continue
        const record = `${member.name}.${member.key}`
        return context.report({ node: argument, messageId: 'hidden', data: { record } })
      }
    }

    /** Every record of a file of the state has a row. */
    function checkRows() {
      const rows = owners[here]
      if (rows === undefined && !/(^|\/)state\.ts$/.test(here)) return {}
      function checkRow(node) {
        const { name } = node.id
        for (const { name: record, at } of strayRecords(node))
          context.report({ node: node.id, messageId: 'stray', data: { record, at } })
        if (rows !== undefined && (name in rows || keysOf(node).every((key) => `${name}.${key}` in rows))) return
        if (isChangeable(node)) context.report({ node: node.id, messageId: 'unowned', data: { record: name } })
      }
      return { TSInterfaceDeclaration: checkRow, TSTypeAliasDeclaration: checkRow }
    }

    /** The records that a record of the state has in it, and that are declared where no row says who changes them. */
    function strayRecords(node) {
      const found = new Map()
      const visit = (tsNode) => {
        if (ts.isTypeReferenceNode(tsNode)) {
          const symbol = checker.getSymbolAtLocation(tsNode.typeName)
          const origin =
            symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
          if (COLLECTIONS.has(origin?.name)) return
          for (const declaration of origin?.declarations ?? []) {
            const at = fileInCore(declaration.getSourceFile().fileName)
            if (at === undefined || at in owners || VALUES_FROM.has(at) || /(^|\/)state\.ts$/.test(at)) continue
            if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) {
              if (hasChangeable(declaration)) found.set(origin.name, { name: origin.name, at })
            }
          }
        }
        ts.forEachChild(tsNode, visit)
      }
      visit(services.esTreeNodeToTSNodeMap.get(node))
      return found.values()
    }

    /** A field that is not readonly, or is a collection that can be changed. */
    function isChangeable(node) {
      return hasChangeable(services.esTreeNodeToTSNodeMap.get(node))
    }

    function hasChangeable(declaration) {
      const fields = []
      const collect = (tsNode) => {
        if (tsNode.members !== undefined) fields.push(...tsNode.members.filter(ts.isPropertySignature))
        tsNode.types?.forEach(collect)
      }
      collect(declaration.type ?? declaration)
      return fields.some((field) => {
        const isReadonly = field.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ReadonlyKeyword)
        return !isReadonly || collectionOf(checker.getTypeAtLocation(field)) !== undefined
      })
    }

    function keysOf({ body }) {
      const members = body?.body ?? []
      return members.length === 0 ? ['?'] : members.map(({ key }) => key.name)
    }

    return {
      AssignmentExpression: ({ left }) => checkTarget(left),
      UpdateExpression: ({ argument }) => checkTarget(argument),
      UnaryExpression: ({ operator, argument }) => operator === 'delete' && checkTarget(argument),
      ForOfStatement: ({ left }) => left.type !== 'VariableDeclaration' && checkTarget(left),
      ForInStatement: ({ left }) => left.type !== 'VariableDeclaration' && checkTarget(left),
      CallExpression(node) {
        const callee = unwrapped(node.callee)
        if (callee.type === 'MemberExpression') {
          const { object } = callee
          const method = keyOf(callee)
          const isStatic = object.type === 'Identifier' && (object.name === 'Object' || object.name === 'Reflect')
          if (isStatic) return void (CHANGERS.has(method) && node.arguments[0] && checkObject(node.arguments[0]))
          if (CHANGES.has(method)) check(callee, originOf(object))
          // `list.push.apply(list, …)`
          const inner = unwrapped(object)
          if (inner.type === 'MemberExpression' && CHANGES.has(keyOf(inner))) check(callee, originOf(inner.object))
        }
        checkArguments(node)
      },
      NewExpression: checkArguments,
      VariableDeclarator({ id, init }) {
        if (init === null || id.typeAnnotation === undefined || !VALUES.has(unwrapped(init).type)) return
        const type = services.getTypeAtLocation(init)
        if (recordsOf(type).length > 0) checkView(init, type, services.esTreeNodeToTSNodeMap.get(id).parent)
      },
      TSAsExpression({ expression, typeAnnotation }) {
        if (!VALUES.has(unwrapped(expression).type)) return
        const type = services.getTypeAtLocation(expression)
        const view = services.esTreeNodeToTSNodeMap.get(typeAnnotation)
        if (recordsOf(type).length > 0) checkView(expression, type, view)
      },
      ...(here === undefined ? {} : checkRows()),
    }
  },
}
