"""Firestore: documents in one database of Google's Firestore."""
