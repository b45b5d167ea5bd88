//! A Redis that is only looked at.

use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(3);

/// The server's clock in milliseconds since 1970.
///
/// Errors: why it does not answer, in the client's words, without the address.
pub async fn time(url: &str) -> Result<i64, String> {
    let asked = async {
        let client = redis::Client::open(url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("TIME").query_async::<(i64, i64)>(&mut connection).await
    };
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok((seconds, microseconds))) => Ok(seconds * 1000 + microseconds / 1000),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}
