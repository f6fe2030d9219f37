//! The SDK as a page gets it from the server: packed, cached as long as its name allows, usable from any origin.

use crate::support::{Reply, Server, send};
use std::path::Path;

async fn get(server: &Server, name: &str, headers: &[(&str, &str)]) -> Reply {
    send(server.public, "GET", &format!("/sdk/{name}"), headers, "").await
}

#[tokio::test]
async fn the_sdk_is_served_packed_with_names_that_tell_how_long_it_may_be_kept() {
    let server = Server::start(&[]).await;
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../npm/dist/sdk");
    if !built.join("footfall.js").exists() {
        let missing = get(&server, "footfall.js", &[]).await;
        assert_eq!(missing.status, 404);
        assert!(missing.json()["reason"].as_str().unwrap().contains("run `npm run build` in npm/"));
        return;
    }
    let names: Vec<String> = std::fs::read_dir(&built)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let plain: Vec<_> =
        names.iter().filter(|name| name.ends_with(".js") || name.ends_with(".wasm")).collect();
    assert_eq!(plain.len(), 4, "the loader, the glue, the second part and the module: {plain:?}");
    for name in plain {
        let on_disk = |ending: &str| std::fs::read(built.join(format!("{name}{ending}"))).unwrap();
        for (accepted, encoding, ending) in [
            ("gzip, deflate, br", Some("br"), ".br"),
            ("gzip;q=0.5, br;q=0", Some("gzip"), ".gz"),
            ("", None, ""),
        ] {
            let reply =
                get(&server, name, &[("accept-encoding", accepted), ("origin", "https://forum.example")])
                    .await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("content-encoding"), encoding, "{name} for {accepted:?}");
            assert_eq!(reply.body, on_disk(ending));
            let wasm = name.ends_with(".wasm");
            let media_type = if wasm { "application/wasm" } else { "text/javascript; charset=utf-8" };
            assert_eq!(reply.header("content-type"), Some(media_type));
            let kept = reply.header("cache-control").unwrap();
            assert_eq!(kept.contains("immutable"), name.as_str() != "footfall.js", "{name}: {kept}");
            assert_eq!(reply.header("access-control-allow-origin"), Some("https://forum.example"));
            assert_eq!(reply.header("cross-origin-resource-policy"), Some("cross-origin"));

            let etag = reply.header("etag").unwrap();
            let list = format!("\"other\", W/{etag}");
            let known = [("accept-encoding", accepted), ("if-none-match", list.as_str())];
            let again = get(&server, name, &known).await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        }
    }
    for name in ["nothing.js", "footfall.js.br", "..%2fpackage.json", "%ff.js"] {
        assert_eq!(get(&server, name, &[]).await.status, 404, "{name}");
    }
}
