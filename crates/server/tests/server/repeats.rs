//! Requests that come twice.

use serde_json::{Value, json};

use crate::bench::{Bench, Client, Part};

fn ask(client: &Client, asked: &Value) -> String {
    client.post("/v1/videos", asked).ok()["id"].as_str().unwrap().to_owned()
}

/// A server that is busy, so that nothing ends meanwhile.
fn busy() -> Bench {
    let bench = Bench::new();
    bench.ask("slow pause=20 steps=1000");
    bench
}

#[test]
fn a_client_that_tries_again_gets_what_it_asked_for_first() {
    let bench = busy();
    let asked = json!({ "prompt": "a ball", "seconds": "1" });
    let (first, again) =
        (bench.with("x-stainless-retry-count", "0"), bench.with("x-stainless-retry-count", "1"));
    let id = ask(&first, &asked);
    assert_eq!(ask(&again, &asked), id);
    assert_eq!(ask(&bench.with("x-stainless-retry-count", "2"), &asked), id);
    // One who asks for the first time wants another, however equal.
    let other = ask(&first, &asked);
    assert_ne!(other, id);
    assert_ne!(ask(&again, &json!({ "prompt": "a cube", "seconds": "1" })), id);
    // A client that knows of it has had its answer.
    for id in [&id, &other] {
        bench.get(&format!("/v1/videos/{id}")).ok();
    }
    let third = ask(&again, &asked);
    assert!(third != id && third != other);
}

#[test]
fn a_form_is_the_same_whatever_is_between_its_parts() {
    let bench = busy();
    let picture = crate::bench::picture(32, 32);
    let form = [("prompt", Part::Text("a ball")), ("input_reference", Part::File(&picture))];
    let id = bench.form("/v1/videos", &form).ok()["id"].clone();
    assert_eq!(bench.form("/v1/videos", &form).ok()["id"], id);
    let other = crate::bench::picture(32, 34);
    let form = [("prompt", Part::Text("a ball")), ("input_reference", Part::File(&other))];
    assert_ne!(bench.form("/v1/videos", &form).ok()["id"], id);
}

#[test]
fn a_request_without_any_word_of_it_is_the_same_for_a_while() {
    let bench = busy();
    let asked = json!({ "prompt": "a ball" });
    assert_eq!(ask(&bench, &asked), ask(&bench, &asked));
    let never = Bench::with(|settings| settings.repeat_seconds = 0);
    never.ask("slow pause=20 steps=1000");
    assert_ne!(ask(&never, &asked), ask(&never, &asked));
}

#[test]
fn a_request_with_a_name_is_one_however_often_it_comes() {
    let bench = busy();
    let named = bench.with("idempotency-key", "k1");
    let asked = json!({ "prompt": "a ball" });
    let id = ask(&named, &asked);
    bench.get(&format!("/v1/videos/{id}")).ok();
    assert_eq!(ask(&named, &asked), id);
    assert_ne!(ask(&bench.with("idempotency-key", "k2"), &asked), id);
    let other = named.post("/v1/videos", &json!({ "prompt": "a cube" }));
    assert_eq!(other.error(), (400, "".into(), "idempotency_key_reused".into()));
}

#[test]
fn many_at_once_are_one() {
    let bench = busy();
    let again = bench.with("x-stainless-retry-count", "1");
    let asked = json!({ "prompt": "a ball" });
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| ask(&again, &asked))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(bench.get("/v1/videos").ok()["data"].as_array().unwrap().len(), 2);
}
