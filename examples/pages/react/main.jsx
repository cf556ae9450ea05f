import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Orders } from './Orders.jsx';

createRoot(document.querySelector('main')).render(
  <StrictMode>
    <Orders />
  </StrictMode>,
);
