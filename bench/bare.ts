/** A Hono app that does nothing but redirect, always to the same place: what no router can beat. Behind a function URL, too. */
import { Hono } from 'hono'

export const createBareApp = (): Hono =>
  new Hono().all('*', (c) => c.body(null, 307, { location: 'https://su.example/', 'cache-control': 'no-store' }))
