//! The counters and the live news in Redis, over one connection that all share, whose commands go in pipelines.

use redis::aio::MultiplexedConnection;

use crate::rows::Row;

#[derive(Clone)]
pub(crate) struct Counters(MultiplexedConnection);

impl Counters {
    pub(crate) async fn connect(address: &str) -> std::io::Result<Self> {
        let client = redis::Client::open(format!("redis://{address}/")).map_err(std::io::Error::other)?;
        let connection = client.get_multiplexed_async_connection().await;
        connection.map(Self).map_err(std::io::Error::other)
    }

    /// Counts each row for its user, and tells those who listen.
    pub(crate) async fn count_and_tell(&self, rows: &[Row]) -> redis::RedisResult<()> {
        let mut pipeline = redis::pipe();
        for Row { user, says } in rows {
            pipeline.cmd("INCR").arg(format!("unread:{user}")).ignore();
            pipeline.cmd("PUBLISH").arg(format!("inbox:{user}")).arg(says.to_string()).ignore();
        }
        pipeline.query_async(&mut self.0.clone()).await
    }

    pub(crate) async fn unread(&self, user: &str) -> redis::RedisResult<i64> {
        let count: Option<i64> =
            redis::cmd("GET").arg(format!("unread:{user}")).query_async(&mut self.0.clone()).await?;
        Ok(count.unwrap_or(0))
    }
}
