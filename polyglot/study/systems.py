"""The built-in system messages, one a language; a study may bring its own and must for any other language."""

SYSTEMS = {
    "EN": "You are a helpful assistant. Answer in English.",
    "DE": "Du bist ein hilfreicher Assistent. Antworte auf Deutsch.",
    "FR": "Tu es un assistant serviable. Réponds en français.",
    "IT": "Sei un assistente disponibile. Rispondi in italiano.",
    "ES": "Eres un asistente servicial. Responde en español.",
}
