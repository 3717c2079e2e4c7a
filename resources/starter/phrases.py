"""The phrases from which augment.py makes new wordings."""

# Words that mean the same wherever they stand in a question about this app.
SYNONYMS = [
    ["licence", "license"], ["licences", "licenses"], ["licence", "licence terms"], ["memory", "ram"],
    ["computer", "pc", "laptop", "machine"], ["my computer", "this computer", "my laptop"],
    ["quantisation", "quantization"], ["quantised", "quantized"], ["company", "business", "firm"],
    ["what is", "what's", "whats"], ["that is", "that's"], ["how do i", "how can i", "how to"], ["i am", "i'm", "im"],
    ["do not", "don't", "dont"], ["does not", "doesn't", "doesnt"], ["cannot", "can't", "cant"],
    ["explain", "tell me about", "describe"], ["mean", "stand for"], ["big", "large"], ["need", "require"],
    ["download", "get", "fetch"], ["delete", "remove"], ["use", "run"], ["show", "display"], ["fast", "quick"],
    ["at work", "for work", "in my company"], ["commercially", "for business"], ["graphics card", "gpu"],
    ["the app", "this app", "alcove", "this program"], ["chat", "conversation"], ["chats", "conversations"],
    ["difference between", "difference of"], ["and", "&"], ["you", "u"], ["are", "r"], ["please", "pls"],
    ["favourite", "favorite"], ["colour", "color"], ["settings", "preferences"], ["file", "files"],
    ["model", "ai model", "language model"], ["which", "what"], ["choose", "pick", "select"], ["folder", "directory"],
]

# Small words, which seldom carry the subject of a question.
SMALL = frozenset([
    "a", "about", "actually", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "get", "give", "has", "have", "hello", "here", "how", "i", "if",
    "in", "into", "is", "it", "its", "just", "like", "many", "may", "me", "more", "much", "my", "of", "on", "one",
    "or", "our", "please", "really", "shall", "should", "so", "some", "tell", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "thing", "this", "those", "to", "us", "very", "was", "we", "what",
    "when", "where", "which", "who", "will", "with", "would", "you", "your",
])

# Ways to ask the same kind of question: "what is X" may also be asked as "explain X". "*" is the rest of the sentence.
FRAMES = [
    ["what is *", "what's *", "whats *", "what are *", "explain *", "explain * to me", "tell me about *",
     "describe *", "*", "* meaning", "* explained", "meaning of *", "define *", "definition of *", "what does * mean",
     "what do you mean by *", "i don't understand *", "i do not know what * is", "what is meant by *",
     "can you explain *", "please explain *", "what exactly is *", "i keep reading about *",
     "somebody mentioned *, what is it", "my boss asks what * is", "information about *",
     "what should i know about *", "so what is *", "* please", "* what is that", "whats that * thing",
     "give me an explanation of *", "what do people mean by *", "help me understand *", "more about *"],
    ["how do i *", "how can i *", "how to *", "i want to *", "what do i do to *", "how does one *", "how would i *",
     "i would like to *", "show me how to *", "i need to *", "tell me how to *", "what is the way to *",
     "how do you *", "explain how to *", "i don't know how to *", "steps to *", "what must i do to *", "how do we *",
     "i'd like to *"],
    ["where is *", "where do i find *", "where can i find *", "i cannot find *", "where do i see *",
     "i am looking for *", "where are *", "how do i find *", "where can i see *", "find *", "show me *",
     "location of *"],
    ["can i *", "is it possible to *", "is there a way to *", "could i *", "am i able to *", "can we *", "can one *"],
    ["may i *", "am i allowed to *", "can i *", "is it allowed to *", "are we allowed to *", "may we *",
     "do i have the right to *"],
    ["does alcove *", "can alcove *", "does this app *", "does the app *", "can the app *", "will alcove *"],
    ["what happens if *", "what if *", "what happens when *", "what will happen if *"],
    ["why does *", "why do *", "what is the reason that *", "how come *"],
    ["which model is best for *", "best model for *", "recommend a model for *", "what model should i take for *",
     "model for *", "good model for *", "which model for *", "i need a model for *", "suggest a model for *"],
    ["do i need *", "is * needed", "must i have *", "is * necessary", "is * required", "do i have to have *"],
    ["difference between *", "what is the difference between *", "explain the difference between *", "compare *",
     "how do * differ", "tell me the difference between *", "* difference"],
]

# What people put before or after the question itself.
BEFORE = ["hi, ", "hello, ", "hey, ", "hi guide, ", "please ", "can you tell me ", "could you tell me ", "tell me ",
          "tell me, ", "quick question: ", "question: ", "i want to know ", "i would like to know ", "i wonder ",
          "just wondering, ", "sorry, ", "ok, ", "ok so ", "so ", "and ", "but ", "also ", "thanks. ",
          "one more thing: ", "do you know ", "well, ", "um ", "excuse me, ", "can i ask ", "another question, ",
          "help! ", "yo ", "now, "]
LEADS = ["i am new to this. ", "i am not good with computers. ", "i have just installed this. ",
         "a colleague told me about this. ", "i have a question. ", "sorry if this is a stupid question. ",
         "i am using this for the first time. ", "one thing i wonder. ", "thanks for the answer. ", "nice. ",
         "i see. ", "good morning. ", "ok thanks. ", "i read about this yesterday. ", "wait. "]
AFTER = [" please", " pls", " thanks", " thank you", " exactly", " anyway", " then", ", please", " in simple words",
         " i wonder", " can you explain", " again", " for me", " here", " really", ", do you know", " right now"]
