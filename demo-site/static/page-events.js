// Tells Footfall what the page shows; clicks and views it finds by itself, and who is logged in stands on its tag.
import { footfall } from './footfall-ready.js'

const { event, eventProperties } = document.querySelector('main').dataset
const sdk = await footfall
if (sdk && event) sdk.track(event, JSON.parse(eventProperties))
