//! Which keywords a schema may have where, and what is told of any other: none that changes a verdict is passed over.
//! What only describes is (JSON Schema 2020-12, validation, section 9; core, sections 8.2 to 8.3).

use super::Reader;
use super::object::Object;

/// What describes and judges nothing, in any draft. Definitions judge nothing where no reference is followed.
const ANNOTATIONS: [&str; 15] = [
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "example",
    "examples",
    "id",
    "readOnly",
    "title",
    "writeOnly",
];

/// The keywords of each type that a plan has its own words for.
const OF_TYPES: [(&str, &[&str]); 5] = [
    ("string", &["maxLength"]),
    ("enum", &["enum", "const"]),
    ("number", &["minimum", "maximum"]),
    ("array", &["items", "maxItems"]),
    ("object", &["properties", "required", "additionalProperties"]),
];

/// The keywords of a type.
fn of(kind: &str) -> &'static [&'static str] {
    let kind = if kind == "integer" { "number" } else { kind };
    OF_TYPES.iter().find(|(name, _)| *name == kind).map_or(&[], |(_, keywords)| keywords)
}

/// The type to which a keyword belongs.
pub(super) fn home(keyword: &str) -> Option<&'static str> {
    OF_TYPES.iter().find(|(_, keywords)| keywords.contains(&keyword)).map(|(kind, _)| *kind)
}

impl<'t> Reader<'t> {
    /// Tells every keyword that a schema of this type may not have; `own` are those that this place has beside them.
    pub(super) fn only(&mut self, schema: &Object<'t>, kind: &str, own: &[&str]) {
        let known = of(kind);
        for (name, value) in &schema.members {
            let name = name.as_str();
            if name == "type" || known.contains(&name) || own.contains(&name) || ANNOTATIONS.contains(&name) {
                continue;
            }
            if let Some(message) = told(name, kind, known) {
                self.wrong(value, &schema.key(name), message);
            }
        }
    }
}

/// What is told of a keyword that has no place in this type; `None` of what other programs mark for themselves.
fn told(name: &str, kind: &str, known: &[&str]) -> Option<String> {
    let other_type = home(name).is_some_and(|home| home != kind);
    let message = match name {
        _ if other_type && kind == "enum" => {
            "says nothing more where the values are listed: take it out".into()
        }
        "enum" | "const" if other_type => {
            format!("lists no values of type {kind:?} in a plan, which lists strings alone: take it out")
        }
        _ if other_type => format!("says nothing about type {kind:?}: take it out, or mend the type"),
        "x-key-event" | "x-successor" => "is said of an event: it belongs at the top of the file".into(),
        _ if name.starts_with("x-") => {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let near = ["x-key-event", "x-successor"]
                .into_iter()
                .find(|known| known.replace('-', "").eq_ignore_ascii_case(&plain))?;
            format!("is written {near:?}")
        }
        "$ref" | "$dynamicRef" | "$recursiveRef" => {
            "is not followed: write the schema that it names in its place".into()
        }
        "exclusiveMinimum" => {
            "is not what a plan compares with: say \"minimum\", which is allowed itself".into()
        }
        "exclusiveMaximum" => {
            "is not what a plan compares with: say \"maximum\", which is allowed itself".into()
        }
        "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" | "dependencies"
        | "dependentRequired" | "dependentSchemas" => {
            "is more than a plan can say: describe one form here, or say {} to take any value".into()
        }
        "contains"
        | "format"
        | "maxContains"
        | "maxProperties"
        | "minContains"
        | "minItems"
        | "minLength"
        | "minProperties"
        | "multipleOf"
        | "pattern"
        | "patternProperties"
        | "prefixItems"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "uniqueItems" => {
            let keywords = known.iter().map(|keyword| format!(", {keyword}")).collect::<String>();
            format!("is not checked by a plan: take it out (what is checked here is type{keywords})")
        }
        _ => {
            let keywords = known.iter().map(|keyword| format!(", {keyword}")).collect::<String>();
            format!(
                "is no keyword that is known: known for type {kind:?} are type{keywords}; your own begin with \"x-\""
            )
        }
    };
    Some(message)
}
