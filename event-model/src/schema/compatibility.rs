//! What was released stays readable: a schema may get fields that can be missing, and nothing else.
//! `event-model/schemas/released/` has the schemas of each release; whoever releases adds those of the day.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A schema taken apart: each field by its path.
type Fields = BTreeMap<String, Shape>;

/// What a field is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    kind: String,
    /// Whether it is always there; in Avro, whether it has no default.
    required: bool,
}

/// What of a released schema a newer one broke, each in words.
fn broken(name: &str, released: &str, now: &str) -> Vec<String> {
    let (released, now) = (fields(name, released), fields(name, now));
    let mut broken = Vec::new();
    for (path, was) in &released {
        match now.get(path) {
            None => broken.push(format!("{name}: `{path}` was taken away")),
            Some(is) if is.kind != was.kind => {
                broken.push(format!("{name}: `{path}` was {} and is {} now", was.kind, is.kind));
            }
            Some(is) if is.required && !was.required => {
                broken.push(format!("{name}: `{path}` could be missing and must be there now"));
            }
            Some(is) if was.required && !is.required => {
                broken.push(format!("{name}: `{path}` was always there and can be missing now"));
            }
            Some(_) => {}
        }
    }
    for (path, _) in now.iter().filter(|(path, is)| is.required && !released.contains_key(*path)) {
        // What is new with a part that is new itself breaks nobody.
        let parent = path.rsplit_once(['.', '[']).map_or("", |(parent, _)| parent);
        if parent.is_empty() || released.contains_key(parent) {
            broken.push(format!(
                "{name}: `{path}` is new and must be there: it needs a default, or to be optional"
            ));
        }
    }
    broken
}

fn fields(name: &str, schema: &str) -> Fields {
    let mut fields = Fields::new();
    match Path::new(name).extension().and_then(|end| end.to_str()) {
        Some("json") => {
            let root: Value = serde_json::from_str(schema).unwrap();
            json(&root, &root, "", &mut fields);
        }
        Some("avsc") => avro(&serde_json::from_str(schema).unwrap(), "", &mut fields),
        Some("proto") => protobuf(schema, &mut fields),
        _ => panic!("{name} is no schema"),
    }
    assert!(!fields.is_empty(), "{name} has no fields");
    fields
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// JSON Schema, as far as schemars writes it.
fn json(root: &Value, schema: &Value, path: &str, fields: &mut Fields) {
    if let Some(target) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return json(root, &root["$defs"][target], path, fields);
    }
    for variant in ["anyOf", "oneOf"].iter().filter_map(|of| schema[of].as_array()).flatten() {
        json(root, variant, path, fields);
    }
    let names = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    for name in names {
        let shape = Shape { kind: "one of its values".to_owned(), required: false };
        fields.insert(format!("{path} = {name}"), shape);
    }
    if schema["items"].is_object() {
        json(root, &schema["items"], &format!("{path}[]"), fields);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = below(path, name);
        let required = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        fields.insert(path.clone(), Shape { kind: json_kind(root, property), required });
        json(root, property, &path, fields);
    }
}

fn json_kind(root: &Value, property: &Value) -> String {
    if let Some(target) = property["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return json_kind(root, &root["$defs"][target]);
    }
    match &property["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => {
            let variants = ["anyOf", "oneOf"].iter().filter_map(|of| property[of].as_array()).flatten();
            let mut kinds: Vec<_> = variants.map(|variant| json_kind(root, variant)).collect();
            kinds.retain(|kind| kind != "null");
            kinds.sort();
            kinds.dedup();
            kinds.join(" or ")
        }
    }
}

fn avro(schema: &Value, path: &str, fields: &mut Fields) {
    for field in schema["fields"].as_array().into_iter().flatten() {
        let path = below(path, field["name"].as_str().unwrap());
        let kind = match &field["type"] {
            Value::Array(union) => union.iter().map(avro_kind).collect::<Vec<_>>().join(" or "),
            kind => avro_kind(kind),
        };
        fields.insert(path.clone(), Shape { kind, required: field.get("default").is_none() });
        let parts = field["type"].as_array().map_or(std::slice::from_ref(&field["type"]), Vec::as_slice);
        parts.iter().for_each(|part| avro(part, &path, fields));
    }
}

fn avro_kind(kind: &Value) -> String {
    match kind {
        Value::String(name) => name.clone(),
        kind if kind["type"] == "record" => format!("record {}", kind["name"].as_str().unwrap()),
        kind => {
            format!("{} {}", kind["type"].as_str().unwrap(), kind["logicalType"].as_str().unwrap_or_default())
                .trim_end()
                .to_owned()
        }
    }
}

/// A `.proto` file as `protobuf.rs` writes it: a field a line. Its number is a part of what it is.
fn protobuf(schema: &str, fields: &mut Fields) {
    let mut message = "";
    for line in schema.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("message ") {
            message = name.trim_end_matches(" {");
        } else if let Some((declared, number)) =
            line.strip_suffix(';').and_then(|line| line.split_once(" = "))
        {
            let Some((kind, name)) = declared.rsplit_once(' ').filter(|_| !message.is_empty()) else {
                continue;
            };
            let kind = format!("{kind} number {number}");
            fields.insert(below(message, name), Shape { kind, required: false });
        }
    }
}

fn schemas() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn nothing_that_was_released_is_taken_away_or_changed() {
    let releases = files(&schemas().join("released"));
    let mut told = Vec::new();
    let mut compared = 0;
    for file in releases.iter().flat_map(|release| files(release)) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let now =
            std::fs::read_to_string(schemas().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        told.extend(broken(name, &std::fs::read_to_string(&file).unwrap(), &now));
        compared += 1;
    }
    assert!(compared >= 6, "only {compared} released schemas were found");
    assert!(told.is_empty(), "whoever reads what was released would fail:\n{}", told.join("\n"));
}

#[test]
fn what_breaks_a_reader_is_told_by_its_field() {
    let of = |name: &str| std::fs::read_to_string(schemas().join(name)).unwrap();
    let without = |text: &str, pointer: &str, name: &str| {
        let mut schema: Value = serde_json::from_str(text).unwrap();
        schema.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        schema.to_string()
    };
    let record = of("record.schema.json");
    assert_eq!(
        broken("record.schema.json", &record, &without(&record, "/$defs/Client/properties", "city")),
        ["record.schema.json: `client.city` was taken away"]
    );
    let told = broken(
        "record.schema.json",
        &record,
        &record.replace("\"const\": \"alias\"", "\"const\": \"merge\""),
    );
    assert_eq!(told, ["record.schema.json: `type = \"alias\"` was taken away"]);
    let batch = of("batch.schema.json");
    let told = broken("batch.schema.json", &without(&batch, "/properties", "sent_at"), &batch);
    assert!(told.is_empty(), "what is added and may be missing breaks nobody: {told:?}");
    let mut stricter: Value = serde_json::from_str(&batch).unwrap();
    stricter["required"].as_array_mut().unwrap().push("sent_at".into());
    let told = broken("batch.schema.json", &batch, &stricter.to_string());
    assert_eq!(told, ["batch.schema.json: `sent_at` could be missing and must be there now"]);

    let avsc = of("record.avsc");
    let edited = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut schema: Value = serde_json::from_str(&avsc).unwrap();
        edit(schema["fields"].as_array_mut().unwrap());
        schema.to_string()
    };
    let place = |fields: &[Value], name: &str| fields.iter().position(|field| field["name"] == name).unwrap();
    let removed = edited(&|fields| drop(fields.remove(place(fields, "batch_id"))));
    assert_eq!(broken("record.avsc", &avsc, &removed), ["record.avsc: `batch_id` was taken away"]);
    assert!(broken("record.avsc", &removed, &avsc).is_empty(), "an addition with a default");
    let changed = edited(&|fields| {
        let place = place(fields, "seq");
        fields[place]["type"] = serde_json::json!(["null", "string"]);
    });
    let told = broken("record.avsc", &avsc, &changed);
    assert_eq!(told, ["record.avsc: `seq` was null or long and is null or string now"]);
    let added = edited(&|fields| fields.push(serde_json::json!({"name": "tenant", "type": "string"})));
    assert!(broken("record.avsc", &avsc, &added)[0].contains("`tenant` is new and must be there"));

    let proto = of("record.proto");
    for (line, now, right) in [
        ("  optional string batch_id = 23;\n", "", "`Record.batch_id` was taken away"),
        (
            "optional string batch_id = 23;",
            "optional string batch_id = 40;",
            "`Record.batch_id` was optional string number 23 and is optional string number 40 now",
        ),
        (
            "optional string city = 7;",
            "optional int64 city = 7;",
            "`Client.city` was optional string number 7",
        ),
    ] {
        assert!(proto.contains(line), "{line}");
        let told = broken("record.proto", &proto, &proto.replace(line, now));
        assert!(told.len() == 1 && told[0].contains(right), "{told:?}");
    }
}
