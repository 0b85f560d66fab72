//! Model weights by their hash.

use reqwest::header;

use crate::harness::{Settings, refused};

#[tokio::test]
async fn a_file_is_served_whole_in_ranges_and_not_again() {
    let data = tempfile::tempdir().expect("a folder");
    let models = data.path().join("models");
    std::fs::create_dir(&models).expect("made");
    let hash = "0123456789abcdef".repeat(4);
    let content: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(models.join(&hash), &content).expect("written");
    let realm = Settings::new(data.path()).start().await;
    let path = format!("/models/sha256/{hash}");

    let whole = realm.get(&path).send().await.expect("an answer");
    let etag = whole.headers()[header::ETAG].clone();
    assert_eq!(etag, format!("\"{hash}\""));
    assert_eq!(whole.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(whole.headers()[header::CONTENT_LENGTH], "100000");
    assert_eq!(whole.headers()[header::ACCEPT_RANGES], "bytes");
    assert_eq!(whole.bytes().await.expect("bytes"), content);

    let part = realm.get(&path).header(header::RANGE, "bytes=1000-1999").send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 1000-1999/100000");
    assert_eq!(part.bytes().await.expect("bytes"), content[1000..2000]);

    let rest = realm.get(&path).header(header::RANGE, "bytes=99990-").header(header::IF_RANGE, etag.clone());
    assert_eq!(rest.send().await.expect("an answer").bytes().await.expect("bytes"), content[99_990..]);
    let other = realm.get(&path).header(header::RANGE, "bytes=99990-").header(header::IF_RANGE, "\"other\"");
    assert_eq!(other.send().await.expect("an answer").status(), 200);
    let beyond = realm.get(&path).header(header::RANGE, "bytes=100000-").send().await.expect("an answer");
    assert_eq!(beyond.status(), 416);
    let known = realm.get(&path).header(header::IF_NONE_MATCH, etag).send().await.expect("an answer");
    assert_eq!(known.status(), 304);
}

#[tokio::test]
async fn only_hashes_are_looked_for() {
    let data = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(data.path().join("models")).expect("made");
    let realm = Settings::new(data.path()).start().await;
    let missing = "0".repeat(64);
    let encoded = "%2e%2e%2f".repeat(4);
    for name in [missing.as_str(), "..%2frealm.sqlite", &encoded, "x", &"A".repeat(64), "../realm.sqlite"] {
        let (status, problem) = refused(realm.get(&format!("/models/sha256/{name}"))).await;
        assert_eq!(status, 404, "{name}");
        if name == missing {
            assert!(problem.advice.contains("cargo xtask models"), "{problem}");
        }
    }
}
