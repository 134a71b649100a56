//! One file's outline as bytes.
//!
//! Strings are numbers into the dictionary of the batch that the record lies in. Of a reference only its place, its use and
//! its name's length and sixteen bits of hash, once for all references of that name, are kept: its line and the definition around it follow from the text and the definitions.

use std::collections::HashMap;
use std::ops::Range;

use wainwright_syntax::{Definition, Import, Kind, Outline, Reference, Use};

use super::lines::Lines;
use crate::bytes::{push_varint, take, take_u32, take_varint};

/// The strings of one batch, each once.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    ids: HashMap<Box<str>, u32>,
    pub list: Vec<Box<str>>,
}

impl Dictionary {
    fn id(&mut self, text: &str) -> u64 {
        if let Some(id) = self.ids.get(text) {
            return u64::from(*id);
        }
        let id = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(text.into());
        self.ids.insert(text.into(), id);
        u64::from(id)
    }
}

/// A reference as a record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub start: u32,
    pub length: u32,
    pub usage: Use,
    pub hash: u16,
}

/// What is kept of a name at a reference.
#[expect(clippy::cast_possible_truncation, reason = "sixteen bits are kept")]
pub(crate) fn name_hash(name: &[u8]) -> u16 {
    xxhash_rust::xxh3::xxh3_64(name) as u16
}

/// Appends a number so that small ones are short, whatever their sign.
fn push_signed(bytes: &mut Vec<u8>, number: i64) {
    push_varint(bytes, number.unsigned_abs() << 1 | u64::from(number < 0));
}

fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = take_varint(bytes)?;
    let size = i64::try_from(number >> 1).ok()?;
    Some(if number & 1 == 1 { -size } else { size })
}

fn push_from(bytes: &mut Vec<u8>, base: u32, number: u32) {
    push_signed(bytes, i64::from(number) - i64::from(base));
}

fn take_from(bytes: &mut &[u8], base: u32) -> Option<u32> {
    u32::try_from(i64::from(base).checked_add(take_signed(bytes)?)?).ok()
}

fn push_range(bytes: &mut Vec<u8>, base: u32, range: &Range<u32>) {
    push_from(bytes, base, range.start);
    push_varint(bytes, u64::from(range.end - range.start));
}

fn take_range(bytes: &mut &[u8], base: u32) -> Option<Range<u32>> {
    let start = take_from(bytes, base)?;
    Some(start..start.checked_add(take_u32(bytes)?)?)
}

const KIND_BITS: u8 = 0x1F;
const HAS_OWNER: u8 = 0x20;
const HAS_BODY: u8 = 0x40;
const HAS_DOC: u8 = 0x80;

/// Appends the outline of a text to `bytes`.
pub(crate) fn encode(outline: &Outline, text: &[u8], strings: &mut Dictionary, bytes: &mut Vec<u8>) {
    push_varint(bytes, u64::from(outline.errors) << 1 | u64::from(outline.truncated));
    let definitions = encode_definitions(outline, strings);
    push_varint(bytes, definitions.len() as u64);
    bytes.extend_from_slice(&definitions);
    encode_imports(outline, strings, bytes);
    encode_references(outline, text, bytes);
}

fn encode_definitions(outline: &Outline, strings: &mut Dictionary) -> Vec<u8> {
    let mut definitions = Vec::new();
    push_varint(&mut definitions, outline.definitions.len() as u64);
    let (mut at, mut line) = (0, 0);
    for (index, definition) in (0_u32..).zip(&outline.definitions) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        definitions.push(
            definition.kind as u8
                | flag(definition.owner.is_some(), HAS_OWNER)
                | flag(definition.body.is_some(), HAS_BODY)
                | flag(definition.doc.is_some(), HAS_DOC),
        );
        push_varint(&mut definitions, strings.id(&definition.name));
        if let Some(owner) = &definition.owner {
            push_varint(&mut definitions, strings.id(owner));
        }
        push_varint(&mut definitions, definition.parent.map_or(0, |parent| u64::from(index - parent)));
        push_range(&mut definitions, at, &definition.whole);
        at = definition.whole.start;
        push_varint(&mut definitions, u64::from(definition.core.start - at));
        push_varint(&mut definitions, u64::from(definition.whole.end - definition.core.end));
        push_varint(&mut definitions, u64::from(definition.signature.end - definition.signature.start));
        push_range(&mut definitions, definition.core.start, &definition.name_at);
        if let Some(body) = &definition.body {
            push_from(&mut definitions, definition.signature.end, body.start);
            push_from(&mut definitions, definition.core.end, body.end);
        }
        if let Some(doc) = &definition.doc {
            push_range(&mut definitions, at, doc);
        }
        push_from(&mut definitions, line, definition.start_line);
        line = definition.start_line;
        push_varint(&mut definitions, u64::from(definition.end_line - line));
    }
    definitions
}

fn encode_imports(outline: &Outline, strings: &mut Dictionary, bytes: &mut Vec<u8>) {
    push_varint(bytes, outline.imports.len() as u64);
    let (mut at, mut line) = (0, 0);
    for import in &outline.imports {
        push_varint(bytes, strings.id(&import.module));
        push_varint(bytes, import.names.len() as u64);
        for name in &import.names {
            push_varint(bytes, strings.id(name));
        }
        push_range(bytes, at, &import.at);
        at = import.at.start;
        push_from(bytes, line, import.line);
        line = import.line;
    }
}

fn encode_references(outline: &Outline, text: &[u8], bytes: &mut Vec<u8>) {
    push_varint(bytes, outline.references.len() as u64);
    let mut names: HashMap<&[u8], usize> = HashMap::new();
    let mut at = 0;
    for reference in &outline.references {
        let name = text.get(reference.at.start as usize..reference.at.end as usize).unwrap_or_default();
        push_varint(bytes, u64::from(reference.at.start - at) << 2 | reference.usage as u64);
        // A name that comes for the first time has the next number, and is described behind it.
        let next = names.len();
        let number = *names.entry(name).or_insert(next);
        push_varint(bytes, number as u64);
        if number == next {
            push_varint(bytes, name.len() as u64);
            bytes.extend_from_slice(&name_hash(name).to_le_bytes());
        }
        at = reference.at.start;
    }
}

/// The strings a record's numbers stand for.
pub(crate) trait Strings {
    fn get(&self, id: u32) -> Option<&str>;
}

/// Reads a record; what is damaged reads as nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'b> {
    bytes: &'b [u8],
}

/// A definition's name and kind, without the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub name: u32,
    pub kind: Kind,
}

impl<'b> Record<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// How many errors the tree had, whether a limit was reached; then what follows.
    fn start(self) -> Option<(u32, bool, &'b [u8])> {
        let mut bytes = self.bytes;
        let first = take_varint(&mut bytes)?;
        Some((u32::try_from(first >> 1).ok()?, first & 1 == 1, bytes))
    }

    fn split(self) -> Option<(&'b [u8], &'b [u8])> {
        let (_, _, mut bytes) = self.start()?;
        let length = usize::try_from(take_varint(&mut bytes)?).ok()?;
        bytes.split_at_checked(length)
    }

    /// The names and kinds of the definitions.
    pub fn heads(self) -> Vec<Head> {
        let mut heads = Vec::new();
        if let Some((definitions, _)) = self.split() {
            read_definitions(definitions, |head, _| {
                heads.push(head);
                Some(())
            });
        }
        heads
    }

    /// The definitions.
    pub fn definitions(self, strings: &impl Strings) -> Vec<Definition> {
        let mut all = Vec::new();
        if let Some((definitions, _)) = self.split() {
            read_definitions(definitions, |head, raw| {
                all.push(Definition {
                    name: strings.get(head.name)?.to_owned(),
                    owner: raw.owner.and_then(|id| strings.get(id)).map(str::to_owned),
                    kind: head.kind,
                    whole: raw.whole,
                    core: raw.core,
                    signature: raw.signature,
                    name_at: raw.name_at,
                    body: raw.body,
                    doc: raw.doc,
                    start_line: raw.start_line,
                    end_line: raw.end_line,
                    parent: raw.parent,
                });
                Some(())
            });
        }
        all
    }

    fn imports_and_rest(self, strings: Option<&dyn Strings>) -> Option<(Vec<Import>, &'b [u8])> {
        let (_, mut bytes) = self.split()?;
        let mut imports = Vec::new();
        let (mut at, mut line) = (0, 0);
        for _ in 0..take_varint(&mut bytes)? {
            let text = |id: u32| strings.map_or(Some(""), |strings| strings.get(id)).map(str::to_owned);
            let module = text(take_u32(&mut bytes)?)?;
            let mut names = Vec::new();
            for _ in 0..take_varint(&mut bytes)? {
                names.push(text(take_u32(&mut bytes)?)?);
            }
            let range = take_range(&mut bytes, at)?;
            at = range.start;
            line = take_from(&mut bytes, line)?;
            imports.push(Import { module, names, at: range, line });
        }
        Some((imports, bytes))
    }

    /// The places of the references, in the order of the text.
    pub fn places(self) -> Vec<Place> {
        let mut places = Vec::new();
        if let Some((_, bytes)) = self.imports_and_rest(None) {
            read_places(bytes, &mut places);
        }
        places
    }

    /// The whole outline, with lines and surroundings of references worked out from the text.
    pub fn outline(self, strings: &impl Strings, text: &[u8]) -> Option<Outline> {
        let (errors, truncated, _) = self.start()?;
        let definitions = self.definitions(strings);
        let imports = self.imports_and_rest(Some(strings))?.0;
        let mut lines = Lines::default();
        let references = self.places().into_iter().map(|place| Reference {
            at: place.start..place.start + place.length,
            line: lines.line(text, place.start),
            usage: place.usage,
            within: innermost(&definitions, place.start),
        });
        let references = references.collect();
        Some(Outline { definitions, references, imports, errors, truncated })
    }
}

/// The innermost definition around a place.
pub(crate) fn innermost(definitions: &[Definition], at: u32) -> Option<u32> {
    let around = |definition: &&Definition| definition.whole.contains(&at);
    let found = definitions.iter().rposition(|definition| around(&definition))?;
    u32::try_from(found).ok()
}

/// A definition's numbers.
struct Raw {
    owner: Option<u32>,
    parent: Option<u32>,
    whole: Range<u32>,
    core: Range<u32>,
    signature: Range<u32>,
    name_at: Range<u32>,
    body: Option<Range<u32>>,
    doc: Option<Range<u32>>,
    start_line: u32,
    end_line: u32,
}

fn read_definitions(mut bytes: &[u8], mut each: impl FnMut(Head, Raw) -> Option<()>) -> Option<()> {
    let bytes = &mut bytes;
    let count = take_u32(bytes)?;
    let (mut at, mut line) = (0, 0);
    for index in 0..count {
        let [flags] = take::<1>(bytes)?;
        let kind = *Kind::ALL.get(usize::from(flags & KIND_BITS))?;
        let name = take_u32(bytes)?;
        let owner = if flags & HAS_OWNER > 0 { Some(take_u32(bytes)?) } else { None };
        let back = take_u32(bytes)?;
        let parent = if back == 0 { None } else { Some(index.checked_sub(back)?) };
        let whole = take_range(bytes, at)?;
        at = whole.start;
        let start = at.checked_add(take_u32(bytes)?)?;
        let core = start..whole.end.checked_sub(take_u32(bytes)?)?;
        let signature = start..start.checked_add(take_u32(bytes)?)?;
        let name_at = take_range(bytes, start)?;
        let body = if flags & HAS_BODY > 0 {
            Some(take_from(bytes, signature.end)?..take_from(bytes, core.end)?)
        } else {
            None
        };
        let doc = if flags & HAS_DOC > 0 { Some(take_range(bytes, at)?) } else { None };
        line = take_from(bytes, line)?;
        let end_line = line.checked_add(take_u32(bytes)?)?;
        let raw =
            Raw { owner, parent, whole, core, signature, name_at, body, doc, start_line: line, end_line };
        each(Head { name, kind }, raw)?;
    }
    Some(())
}

fn read_places(mut bytes: &[u8], places: &mut Vec<Place>) -> Option<()> {
    let count = take_varint(&mut bytes)?;
    let mut at = 0_u32;
    let mut names: Vec<(u32, u16)> = Vec::new();
    for _ in 0..count {
        let first = take_varint(&mut bytes)?;
        at = at.checked_add(u32::try_from(first >> 2).ok()?)?;
        let usage = Use::ALL[usize::try_from(first & 3).ok()?];
        let number = take_u32(&mut bytes)? as usize;
        if number == names.len() {
            names.push((take_u32(&mut bytes)?, u16::from_le_bytes(take(&mut bytes)?)));
        }
        let (length, hash) = *names.get(number)?;
        at.checked_add(length)?;
        places.push(Place { start: at, length, usage, hash });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wainwright_syntax::{Language, Limits, outline};

    use super::*;

    impl Strings for Dictionary {
        fn get(&self, id: u32) -> Option<&str> {
            self.list.get(id as usize).map(|text| &**text)
        }
    }

    fn source() -> impl Strategy<Value = String> {
        let pieces = [
            "def f(a: B):\n    return g(a)\n",
            "class C(D):\n    x = 1\n    def m(self):\n        \"\"\"Doc é.\"\"\"\n        self.n()\n",
            "import a.b, c\nfrom .d import e as f\n",
            "# note\n",
            "@decorated(1)\n",
            "lambda: x()\n",
            "(",
            "\n",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_record_says_what_the_outline_said(text in source()) {
            let before = outline(Language::Python, text.as_bytes(), &Limits::default());
            let (mut strings, mut bytes) = (Dictionary::default(), Vec::new());
            encode(&before, text.as_bytes(), &mut strings, &mut bytes);
            let after = Record::new(&bytes).outline(&strings, text.as_bytes()).unwrap();
            prop_assert_eq!(&after.definitions, &before.definitions);
            prop_assert_eq!(&after.imports, &before.imports);
            prop_assert_eq!(after.errors, before.errors);
            let seen = |outline: &Outline| -> Vec<_> {
                outline.references.iter().map(|r| (r.at.clone(), r.line, r.usage)).collect()
            };
            prop_assert_eq!(seen(&after), seen(&before));
        }

        #[test]
        fn damaged_bytes_read_as_something(text in source(), at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()) {
            let before = outline(Language::Python, text.as_bytes(), &Limits::default());
            let (mut strings, mut bytes) = (Dictionary::default(), Vec::new());
            encode(&before, text.as_bytes(), &mut strings, &mut bytes);
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(cut % (length + 1));
            let record = Record::new(&bytes);
            prop_assert!(record.heads().len() <= length);
            prop_assert!(record.places().len() <= length);
            record.outline(&strings, text.as_bytes());
        }
    }
}
