import { useState } from 'react';
import { useSubscription } from './use-subscription.js';

const HUB = 'http://127.0.0.1:8080';

export function Orders() {
  const [topic, setTopic] = useState('orders/*');
  const [live, setLive] = useState(true);
  return (
    <>
      <h1>Orders</h1>
      <form>
        <select aria-label="Shop" value={topic} onChange={(event) => setTopic(event.target.value)}>
          <option value="orders/*">All shops</option>
          <option value="orders/paris">Paris</option>
          <option value="orders/rome">Rome</option>
        </select>
        <label>
          <input type="checkbox" checked={live} onChange={(event) => setLive(event.target.checked)} /> Live
        </label>
      </form>
      {/* With a key React begins a new list for a new topic. */}
      {live && <List key={topic} topic={topic} />}
    </>
  );
}

function List({ topic }) {
  const [orders, setOrders] = useState({});
  const { state, error } = useSubscription(`${HUB}/events?last=20`, {
    topics: [topic],
    onEvent(event) {
      const order = event.json();
      setOrders((orders) => ({ ...orders, [order.id]: order }));
    },
    async onGap(_gap, signal) {
      const orders = await (await fetch('/orders.json', { signal })).json();
      setOrders(Object.fromEntries(orders.map((order) => [order.id, order])));
    },
  });

  return (
    <>
      <p role="status" className={state === 'open' ? 'live' : ''}>{state}</p>
      <p role="alert">{error && `${error.message}${error.willRetry ? ', trying again' : ''}`}</p>
      <ol>
        {Object.values(orders).reverse().map(({ id, item, state }) => <li key={id}>{item}: {state}</li>)}
      </ol>
    </>
  );
}
