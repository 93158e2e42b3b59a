export { Atom, type AtomTerm, atom, atoms, atomTerm, atomText, isAtom, mod } from "./atom.ts";
export { Export, Fun } from "./funs.ts";
export { Pid, Port, Ref } from "./identifiers.ts";
export type { Term, TermObject, TermTuple } from "./term.ts";
export { type Elem, isList, isTuple, type Tuple, tuple, tupleFrom } from "./tuple.ts";
export { BitString, charlist, Float, float, ImproperList, NativeRecord } from "./values.ts";
