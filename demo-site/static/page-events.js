// Tells Footfall who is logged in and what the page shows; clicks and views it finds by itself.
import { footfall } from './footfall-ready.js'

const { userId, event, eventProperties } = document.querySelector('main').dataset
const sdk = await footfall
if (sdk) {
  if (userId) sdk.identify(userId)
  if (event) sdk.track(event, JSON.parse(eventProperties))
}
