//! Point 19: `emit(e, 1, 2)` and `emit(e, [1, 2])` are told apart, in both directions.

use controllers_tests::{Back, TestResult, ack, end, error, events, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

struct Lists;

#[ws_controller("/")]
impl Lists {
    #[on_message("two")]
    fn two(&self, a: u8, b: u8) -> String {
        format!("{a} and {b}")
    }

    #[on_message("list")]
    fn list(&self, list: Vec<u8>) -> String {
        format!("{list:?}")
    }

    #[on_message("raw")]
    fn raw(&self, raw: RawArgs) -> String {
        raw.text
    }

    #[on_message("send")]
    #[emit("as tuple")]
    fn tuple(&self) -> (u8, u8) {
        (1, 2)
    }

    #[on_message("send list")]
    #[emit("as list")]
    fn vec(&self) -> Vec<u8> {
        vec![1, 2]
    }

    #[on_message("send list in a tuple")]
    #[emit("as list")]
    fn one(&self) -> (Vec<u8>,) {
        (vec![1, 2],)
    }
}

#[actix_web::test]
async fn e19_two_arguments_and_one_list_are_told_apart() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Lists)).await?;
        let wrong = error(&client, "two", ([1, 2].as_slice(),)).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 0 "), "{wrong}");
        assert!(error(&client, "list", (1, 2)).await?["message"].is_string());
        assert_eq!(ack(&client, "two", (1, 2)).await?, json!(["1 and 2"]));
        assert_eq!(ack(&client, "list", (vec![1, 2],)).await?, json!(["[1, 2]"]));
        assert_eq!(ack(&client, "raw", (1, 2)).await?, json!(["1,2"]));
        assert_eq!(ack(&client, "raw", (vec![1, 2],)).await?, json!(["[1,2]"]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e19_results_keep_the_difference() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Lists)).await?;
        for event in ["send", "send list", "send list in a tuple"] {
            client.emit(event, ()).await?;
        }
        fence(&client).await?;
        assert_eq!(events(&client, "as tuple"), json!([[1, 2]]));
        assert_eq!(events(&client, "as list"), json!([[[1, 2]], [[1, 2]]]));
        assert_eq!(ack(&client, "send", ()).await?, json!([1, 2]));
        assert_eq!(ack(&client, "send list", ()).await?, json!([[1, 2]]));
        end(srv, client).await;
    }
    Ok(())
}
